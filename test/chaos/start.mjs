// @ts-check
/**
 * Runs a TypeScript file of this folder in plain Node, from its source: `node start.mjs main.ts …`.
 * Vite, which vitest brings, strips the types; nothing is compiled to disk, so that files beside the
 * sources (bundles, the broker's jars) are found where they are.
 */
import { fileURLToPath } from 'node:url';
import { createViteServer } from 'vitest/node';

const [, , file] = process.argv;
const server = await createViteServer({
  configFile: false,
  root: fileURLToPath(new URL('.', import.meta.url)),
  appType: 'custom',
  logLevel: 'error',
  optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
});
await server.ssrLoadModule(`/${file}`);
