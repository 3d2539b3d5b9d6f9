/** The statements of a text, each without its comments and with a space for whatever is quoted. */
export function codeOfStatements(text: string): readonly string[] {
  // What can begin that is not code: a comment, a quoted text, a name in quotes; and the end of a statement.
  const landmark = /--|\/\*|'|"|\$(?:[a-z_]\w*)?\$|;/gi;
  const statements: string[] = [];
  let code = "";
  let at = 0;
  for (;;) {
    landmark.lastIndex = at;
    const found = landmark.exec(text);
    if (found === null) return [...statements, code + text.slice(at)];
    code += text.slice(at, found.index);
    at = endOf(text, found.index, found[0]);
    if (found[0] !== ";") {
      code += " ";
      continue;
    }
    statements.push(code);
    code = "";
  }
}

/** Where what begins with `opening` ends; what never ends goes to the end of the text. */
function endOf(text: string, from: number, opening: string): number {
  const begins = from + opening.length;
  switch (opening) {
    case ";":
      return begins;
    case "--":
      return after(text, "\n", begins);
    case "/*":
      return endOfComment(text, begins);
    case "'":
      return hasEscapes(text, from) ? endOfEscaped(text, begins) : after(text, "'", begins);
    default:
      return isInsideName(text, from) ? begins : after(text, opening, begins);
  }
}

/** A doubled quote inside a quoted text ends one and begins the next: to us it is the same. */
function after(text: string, closing: string, from: number): number {
  const index = text.indexOf(closing, from);
  return index === -1 ? text.length : index + closing.length;
}

/** Comments of PostgreSQL nest. */
function endOfComment(text: string, from: number): number {
  const bracket = /\/\*|\*\//g;
  bracket.lastIndex = from;
  let depth = 1;
  for (let found = bracket.exec(text); found !== null; found = bracket.exec(text)) {
    depth += found[0] === "/*" ? 1 : -1;
    if (depth === 0) return bracket.lastIndex;
  }
  return text.length;
}

/** `E'…'`: a backslash takes the quote behind it in. */
function hasEscapes(text: string, quote: number): boolean {
  return /(?:^|[^\w$])e$/i.test(text.slice(Math.max(0, quote - 2), quote));
}

function endOfEscaped(text: string, from: number): number {
  const closing = /\\[^]|'/g;
  closing.lastIndex = from;
  for (let found = closing.exec(text); found !== null; found = closing.exec(text)) {
    if (found[0] === "'") return closing.lastIndex;
  }
  return text.length;
}

/** `a$b$c` is a name, and a dollar in it quotes nothing. */
function isInsideName(text: string, dollar: number): boolean {
  return text.charAt(dollar) === "$" && /[\w$]/.test(text.charAt(dollar - 1));
}
