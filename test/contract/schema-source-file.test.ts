/** The folder of schemas keeps the contract of the port. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileSchemaSource } from '../../services/platform/registry/file-schema-source.ts';
import { DOCUMENTS, schemaSourceContract } from './schema-source.contract.ts';

async function openFolder(fill: (directory: string) => Promise<unknown>) {
  const directory = await mkdtemp(join(tmpdir(), 'tidegauge-schemas-'));
  await fill(directory);
  return {
    source: createFileSchemaSource(directory),
    close: () => rm(directory, { recursive: true }),
  };
}

schemaSourceContract('folder', {
  open: () =>
    openFolder((directory) =>
      Promise.all(
        [...DOCUMENTS].map(([id, text]) => writeFile(join(directory, `${id}.avsc`), text)),
      ),
    ),
  // A folder where the file should be cannot be read by anybody, not even by root.
  openBroken: () => openFolder((directory) => mkdir(join(directory, '1.avsc'))),
});
