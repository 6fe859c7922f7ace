// Runs rows through a compiled model in WebAssembly: node runner.mjs MODULE PREFIX ROWS RESULTS.
// The files are those of runner.c.
import { readFileSync, writeFileSync } from "node:fs";

const [module, prefix, rowsPath, resultsPath] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(module), {});
const { memory } = instance.exports;
const call = (name, ...args) => instance.exports[`${prefix}_${name}`](...args);

// Memory of our own lies behind the module's.
function take(bytes) {
    const pages = Math.ceil(bytes / 65536) + 1;
    return memory.grow(pages) * 65536;
}

const file = readFileSync(rowsPath);
const [magic, raw, n64, width64] = new BigUint64Array(file.buffer.slice(file.byteOffset, file.byteOffset + 32));
const n = Number(n64), width = Number(width64), outputs = call("outputs");
if (magic !== 0x313073776f726c6dn || width !== call(raw ? "fields" : "inputs"))
    process.exit(4);
const body = file.subarray(32), rows = take(body.length);
new Uint8Array(memory.buffer, rows, body.length).set(body);
const margins = take(n * outputs * 8), answers = take(n * outputs * 8);
const parts = [];
let predicted;
if (raw) {
    const fields = take(n * width * 4), lengths = take(n * width * 4);
    const view = new DataView(memory.buffer);
    let at = rows + n * width * 4;
    for (let i = 0; i < n * width; i++) {
        const length = view.getUint32(rows + i * 4, true), missing = length === 0xffffffff;
        view.setUint32(fields + i * 4, missing ? 0 : at, true);
        view.setUint32(lengths + i * 4, missing ? 0 : length, true);
        at += missing ? 0 : length;
    }
    predicted = call("predict_raw", fields, lengths, n, answers);
} else {
    predicted = call("margins_f64", rows, n, width, margins);
    if (call("predict_f64", rows, n, width, answers) !== predicted)
        process.exit(3);
    parts.push(new Uint8Array(memory.buffer, margins, predicted * outputs * 8));
}
parts.push(new Uint8Array(memory.buffer, answers, predicted * outputs * 8));
const head = new BigUint64Array([0x3130746c73726c6dn, BigInt(predicted), BigInt(outputs)]);
writeFileSync(resultsPath, Buffer.concat([new Uint8Array(head.buffer), ...parts]));
