const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * A finite number as Go's strconv.ParseFloat reads it (`1.5`, `.5`, `5.`, `1e3`), which KEDA uses for numbers kept as
 * text; undefined for anything else. Go's Inf, NaN and hexadecimal forms count as anything else.
 */
export function parseFloatText(text: string): number | undefined {
  if (!FLOAT.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
