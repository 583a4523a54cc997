import { ApiError } from '#libs/apimachinery';
import type { Members } from '#libs/consensus';

type Body = Readonly<Record<string, unknown>>;

function numberOf(body: Body, key: string): number {
  const value = body[key];
  if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  throw new ApiError(400, 'BadRequest', `"${key}" must be a positive whole number`);
}

function textOf(body: Body, key: string): string {
  const value = body[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new ApiError(400, 'BadRequest', `"${key}" must be a text that is not empty`);
}

/** `GET members`: who belongs to the group, as this replica knows it. */
export function listMembers(members: Members): object {
  return { members: members.list() };
}

/** What `trireme member` asks for, by the last part of its path. Each answers once this replica has applied it. */
export const memberChanges: Readonly<Record<string, (members: Members, body: Body) => Promise<object>>> = {
  async add(members, body) {
    const role = body['role'] ?? 'learner';
    if (role !== 'learner' && role !== 'observer' && role !== 'voter')
      throw new ApiError(400, 'BadRequest', '"role" must be learner, observer or voter');
    const name = textOf(body, 'name');
    return {
      id: await members.add({ name, host: textOf(body, 'host'), port: numberOf(body, 'port'), role }),
    };
  },
  async promote(members, body) {
    await members.promote(numberOf(body, 'id'));
    return {};
  },
  async remove(members, body) {
    await members.remove(numberOf(body, 'id'));
    return {};
  },
  async update(members, body) {
    await members.update(numberOf(body, 'id'), { host: textOf(body, 'host'), port: numberOf(body, 'port') });
    return {};
  },
};
