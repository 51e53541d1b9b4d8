/**
 * Values that are known, and names of values that exist although their text is not known (a Secret that is made
 * elsewhere). `any`: there may be further ones that nobody can name.
 */
export interface PartlyKnown {
  known: Record<string, string>;
  hidden: Set<string>;
  any: boolean;
}

export const nothingKnown = (): PartlyKnown => ({ known: {}, hidden: new Set(), any: true });
export const nothingThere = (): PartlyKnown => ({ known: {}, hidden: new Set(), any: false });
