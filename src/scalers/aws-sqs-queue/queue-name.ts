/**
 * The name of a queue by its URL, `https://host/account/name`, or the text itself when it is no URL (KEDA 2.21: then it
 * is sent to SQS as it stands). Undefined for a URL of another shape.
 */
export function queueNameOf(text: string): string | undefined {
  const path = text.startsWith('/') ? text : URL.canParse(text) ? new URL(text).pathname : undefined;
  if (path === undefined) return text;
  const [empty, account, name, ...more] = path.split('/');
  return empty === '' && account && name && more.length === 0 ? decodeURI(name) : undefined;
}
