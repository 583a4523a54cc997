/** Colour, dash and shape of each member, so that none is told apart by colour alone. Colours are CSS variables. */
export interface Look {
  readonly colour: string;
  readonly dash: readonly number[];
}

const dashes: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [9, 3, 2, 3], [12, 4], [4, 2]];

export function lookOf(members: readonly string[], name: string): Look {
  const index = Math.max(0, members.indexOf(name));
  return { colour: `--member-${(index % 6) + 1}`, dash: dashes[index % dashes.length] ?? [] };
}
