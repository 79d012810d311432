/** Which reader a file gets, by its extension. */
import { CodedError } from '../../core/errors.ts';
import { openAvroDataset } from './avro-dataset.ts';
import { openCsvDataset } from './csv-dataset.ts';
import type { Dataset } from './dataset.ts';
import { openJsonlDataset } from './jsonl-dataset.ts';
import { openParquetDataset } from './parquet-dataset.ts';

type Open = (file: string) => Promise<Dataset>;

const openCsv: Open = (file) => openCsvDataset(file, { delimiter: ',' });
const openTsv: Open = (file) => openCsvDataset(file, { delimiter: '\t' });

const READERS: Readonly<Record<string, Open>> = {
  '.csv': openCsv,
  '.csv.gz': openCsv,
  '.tsv': openTsv,
  '.tsv.gz': openTsv,
  '.jsonl': openJsonlDataset,
  '.jsonl.gz': openJsonlDataset,
  '.ndjson': openJsonlDataset,
  '.ndjson.gz': openJsonlDataset,
  '.avro': openAvroDataset,
  '.parquet': openParquetDataset,
};

export const DATASET_EXTENSIONS: readonly string[] = Object.keys(READERS);

/** Throws `configuration.invalid` where the file is absent, unreadable or of no known format. */
export async function openDataset(file: string): Promise<Dataset> {
  const name = file.toLowerCase();
  const extension = DATASET_EXTENSIONS.findLast((candidate) => name.endsWith(candidate));
  if (extension === undefined) {
    throw new CodedError(
      'configuration.invalid',
      `${file}: unknown format, expected a name ending in ${DATASET_EXTENSIONS.join(', ')}`,
    );
  }
  return READERS[extension]!(file);
}
