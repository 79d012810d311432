/** Bytes cut into lines at LF or CRLF, bounded; a last line without an end counts too. */

export class LineTooLong extends Error {
  readonly line: number;

  constructor(line: number, bytesMax: number) {
    super(`the line is longer than ${bytesMax} bytes`);
    this.line = line;
  }
}

const LF = 0x0a;
const CR = 0x0d;

/** The lines of each chunk together; the buffers are the caller's to keep. Throws `LineTooLong`. */
export async function* splitLines(
  chunks: AsyncIterable<Buffer>,
  bytesMax: number,
): AsyncGenerator<readonly Buffer[]> {
  let pieces: Buffer[] = [];
  let pendingBytes = 0;
  let lineCount = 0;

  for await (const chunk of chunks) {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      pieces.push(chunk.subarray(start, end));
      lines.push(withoutReturn(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)));
      lineCount += 1;
      if (lines.at(-1)!.length > bytesMax) throw new LineTooLong(lineCount, bytesMax);
      pieces = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
    }
    if (pendingBytes > bytesMax) throw new LineTooLong(lineCount + 1, bytesMax);
    if (lines.length > 0) yield lines;
  }
  if (pendingBytes > 0) yield [withoutReturn(Buffer.concat(pieces))];
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === CR ? line.subarray(0, -1) : line;
}
