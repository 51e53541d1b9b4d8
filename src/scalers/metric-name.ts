/** KEDA 2.21 replaces these characters of an external metric's name, and no others, by a dash. */
export function normalizeMetricName(text: string): string {
  return text.replace(/[/.:%()]/g, '-');
}
