import { defineConfig } from 'vitest/config';

export default defineConfig({
  base: './',
  // The runtime's loader stays a file of its own: its threads start from that file, and must not start the page's worker.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'production'] },
  build: {
    outDir: '../src/graft/export/page',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
  worker: {
    format: 'es',
    rollupOptions: {
      output: {
        // Older static servers know no type for .mjs, and a browser refuses a module without one.
        assetFileNames: (asset) =>
          asset.names.some((name) => name.endsWith('.mjs'))
            ? 'assets/[name]-[hash].js'
            : 'assets/[name]-[hash][extname]',
      },
    },
  },
  test: { include: ['tests/**/*.test.ts'] },
});
