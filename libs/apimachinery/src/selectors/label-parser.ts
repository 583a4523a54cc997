import {
  badSelector,
  checkLabelKey,
  makeLabelSelector,
  type LabelOperator,
  type LabelRequirement,
  type LabelSelector,
} from './label-selector.js';

/** Characters of a selector at most: it comes in a query, which HTTP servers bound to about this. */
const selectorLengthMax = 64 * 1024;

type TokenKind = 'identifier' | 'end' | 'error' | 'in' | 'notin' | '(' | ')' | ',' | '!' | BinarySymbol;
type BinarySymbol = '=' | '==' | '!=' | '>' | '<';

interface Token {
  readonly kind: TokenKind;
  readonly literal: string;
}

const symbols: readonly TokenKind[] = [')', ',', '!', '==', '=', '>', '<', '!=', '('];
const binaryOperators: ReadonlyMap<TokenKind, LabelOperator> = new Map<TokenKind, LabelOperator>([
  ['in', 'in'],
  ['notin', 'notin'],
  ['=', '='],
  ['==', '=='],
  ['!=', '!='],
  ['>', 'gt'],
  ['<', 'lt'],
]);

/**
 * Reads the text of a label selector, as in `labelSelector=app=web,tier in (a,b),!legacy,size>3`. The empty text selects
 * everything. Throws ApiError 400 with the texts of k8s.io/apimachinery/pkg/labels.
 */
export function parseLabelSelector(text: string): LabelSelector {
  if (text.length > selectorLengthMax)
    throw badSelector(`label selector is longer than ${selectorLengthMax} characters`);
  return makeLabelSelector(new LabelParser(scan(text)).parse());
}

/** Every token of the text, closed by one `end`. */
function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text[at] ?? '';
    if (/[ \t\r\n]/.test(character)) {
      at++;
      continue;
    }
    const token = isSymbol(character) ? scanSymbol(text, at) : scanWord(text, at);
    tokens.push(token);
    at += Math.max(1, token.literal.length);
  }
  tokens.push({ kind: 'end', literal: '' });
  return tokens;
}

function isSymbol(character: string): boolean {
  return '=!(),><'.includes(character);
}

function scanSymbol(text: string, at: number): Token {
  const two = text.slice(at, at + 2) as TokenKind;
  if (symbols.includes(two)) return { kind: two, literal: two };
  const one = text.slice(at, at + 1) as TokenKind;
  return { kind: one, literal: one };
}

function scanWord(text: string, at: number): Token {
  let end = at;
  while (end < text.length && !isSymbol(text[end] ?? '') && !/[ \t\r\n]/.test(text[end] ?? '')) end++;
  const literal = text.slice(at, end);
  return { kind: literal === 'in' || literal === 'notin' ? literal : 'identifier', literal };
}

class LabelParser {
  private position = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const token = this.peek();
      if (token.kind === 'end') return requirements;
      if (token.kind !== 'identifier' && token.kind !== '!') {
        throw badSelector(`found '${token.literal}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.parseRequirement());
      const next = this.take();
      if (next.kind === 'end') return requirements;
      if (next.kind !== ',') {
        throw badSelector(`found '${next.literal}', expected: ',' or 'end of string'`);
      }
      const after = this.peek();
      if (after.kind !== 'identifier' && after.kind !== '!') {
        throw badSelector(`found '${after.literal}', expected: identifier after ','`);
      }
    }
  }

  private parseRequirement(): LabelRequirement {
    let negated = false;
    let token = this.take();
    if (token.kind === '!') {
      negated = true;
      token = this.take();
    }
    if (token.kind !== 'identifier') throw unparsable(`found '${token.literal}', expected: identifier`);
    const key = token.literal;
    wrapped(() => checkLabelKey(key));
    const next = this.peek();
    if (negated) return { key, operator: '!', values: [] };
    if (next.kind === 'end' || next.kind === ',') return { key, operator: 'exists', values: [] };
    const operator = this.parseOperator();
    const values = operator === 'in' || operator === 'notin' ? this.parseValues() : [this.parseExactValue()];
    const requirement = { key, operator, values: [...new Set(values)].sort() };
    wrapped(() => makeLabelSelector([requirement]));
    return requirement;
  }

  private parseOperator(): LabelOperator {
    const token = this.takeAsWritten();
    const operator = binaryOperators.get(token.kind);
    if (operator === undefined) {
      throw unparsable(`found '${token.literal}', expected: in, notin, =, ==, !=, gt, lt`);
    }
    return operator;
  }

  private parseExactValue(): string {
    const token = this.peek();
    if (token.kind === 'end' || token.kind === ',') return '';
    this.take();
    if (token.kind !== 'identifier') throw unparsable(`found '${token.literal}', expected: identifier`);
    return token.literal;
  }

  /** `(a,b)`; an empty place between commas is the empty value. */
  private parseValues(): string[] {
    const open = this.take();
    if (open.kind !== '(') throw unparsable(`found '${open.literal}' expected: '('`);
    const values: string[] = [];
    let current: string | undefined;
    let commas = 0;
    for (;;) {
      const token = this.take();
      if (token.kind === 'identifier') {
        if (current !== undefined) throw unparsable(`found '${token.literal}', expected: ',' or ')'`);
        current = token.literal;
      } else if (token.kind === ',') {
        values.push(current ?? '');
        current = undefined;
        commas++;
      } else if (token.kind === ')') {
        if (current !== undefined || commas > 0) values.push(current ?? '');
        return values;
      } else {
        const expected = current === undefined ? "',', ')' or identifier" : "',' or ')'";
        throw unparsable(`found '${token.literal}', expected: ${expected}`);
      }
    }
  }

  /** Where a key or a value may stand, `in` and `notin` are ordinary words. */
  private peek(): Token {
    const token = this.tokens[this.position] ?? { kind: 'end', literal: '' };
    return token.kind === 'in' || token.kind === 'notin'
      ? { kind: 'identifier', literal: token.literal }
      : token;
  }

  private take(): Token {
    const token = this.peek();
    this.position++;
    return token;
  }

  private takeAsWritten(): Token {
    const token = this.tokens[this.position] ?? { kind: 'end', literal: '' };
    this.position++;
    return token;
  }
}

function unparsable(message: string): Error {
  return badSelector(`unable to parse requirement: ${message}`);
}

/** Errors of the requirement itself carry the same prefix as those of its text. */
function wrapped(check: () => void): void {
  try {
    check();
  } catch (error) {
    throw error instanceof Error ? unparsable(error.message) : error;
  }
}
