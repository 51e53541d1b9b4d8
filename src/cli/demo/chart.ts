/** A value at a moment, in seconds since the start. */
export interface Point {
  at: number;
  value: number;
}

/**
 * A line of blocks over time: the highest value in each column, `height` lines tall, with the scale at the left and
 * seconds below.
 */
export function chart(
  title: string,
  points: readonly Point[],
  options: { width?: number; height?: number } = {},
): string[] {
  const { width = 60, height = 6 } = options;
  const end = Math.max(1, ...points.map((p) => p.at));
  const top = Math.max(1, ...points.map((p) => p.value));
  const columns = Array.from({ length: width }, (_, column) => {
    const from = (column / width) * end;
    const to = ((column + 1) / width) * end;
    const inside = points.filter((p) => p.at >= from && p.at < to).map((p) => p.value);
    // Between two points the earlier one still holds.
    const before = points.findLast((p) => p.at < from)?.value ?? 0;
    return inside.length > 0 ? Math.max(...inside) : before;
  });
  const label = String(top).length;
  const lines = [title];
  for (let row = height; row >= 1; row--) {
    const mark = row === height ? String(top) : row === 1 ? '0' : '';
    const cells = columns.map((value) => {
      const eighths = Math.round((value / top) * height * 8) - (row - 1) * 8;
      return eighths >= 8 ? '█' : eighths <= 0 ? (row === 1 && value > 0 ? '▁' : ' ') : ('▁▂▃▄▅▆▇'[eighths - 1] ?? ' ');
    });
    lines.push(`  ${mark.padStart(label)} │${cells.join('').trimEnd()}`);
  }
  const right = `${Math.round(end)} s`;
  lines.push(`  ${' '.repeat(label)} └${'─'.repeat(width)}`);
  lines.push(`  ${' '.repeat(label)}  0${right.padStart(width - 1)}`);
  return lines;
}
