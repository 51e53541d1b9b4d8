/**
 * The member that owns an object: the one with the highest hash of (object, member). When a member comes or goes only
 * the objects that it takes or leaves move. Undefined when there are no members.
 */
export function ownerOf(uid: string, members: readonly string[]): string | undefined {
  let owner: string | undefined;
  let highest = -1;
  for (const member of members) {
    const weight = hash(`${member}\n${uid}`);
    // Every member must come to the same answer, in whatever order it knows the others.
    if (weight > highest || (weight === highest && owner !== undefined && member < owner)) {
      owner = member;
      highest = weight;
    }
  }
  return owner;
}

/** 32 bits of a text, evenly spread: FNV-1a, then Murmur3's finalizer for the bits that FNV leaves alike. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
