// Starts the program, compiled to WebAssembly, in Node.
import { readFileSync, writeSync } from "node:fs";

const program = await WebAssembly.instantiate(readFileSync(process.argv[2]), {
  env: {
    nearsay_print(text, length) {
      writeSync(1, new Uint8Array(memory.buffer, text, length));
    },
  },
});
const { memory, nearsay_main } = program.instance.exports;
process.exitCode = nearsay_main();
