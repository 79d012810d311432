/** The fenced code blocks of a Markdown text, for tests that hold prose to its word. */

/** A fenced code block. */
export interface CodeBlock {
  /** What stands behind the fence; empty where nothing does. */
  readonly language: string;
  readonly lines: readonly string[];
}

export function codeBlocks(markdown: string): readonly CodeBlock[] {
  const blocks: { language: string; lines: string[] }[] = [];
  let open: { language: string; lines: string[] } | null = null;
  for (const line of markdown.split('\n')) {
    const fence = /^ *```(.*)$/.exec(line);
    if (fence === null) {
      open?.lines.push(line);
    } else if (open === null) {
      open = { language: fence[1]!, lines: [] };
    } else {
      blocks.push(open);
      open = null;
    }
  }
  return blocks;
}
