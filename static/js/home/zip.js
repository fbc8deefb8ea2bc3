// The files in a ZIP, read where it lies: only the list of names at its end, then one file at a time.

const END = 0x06054b50; // PK\5\6
const ENTRY = 0x02014b50; // PK\1\2
const COMMENT_BYTES = 65_535;
const [STORED, DEFLATED] = [0, 8];
const [ENCRYPTED, UTF8] = [0x1, 0x800];
const BROKEN = "The ZIP is cut off or damaged: pack or send it again.";

/** @typedef {{name: string, open: () => Promise<File>}} Item a file that is read when its turn comes */

/** By its first bytes, whatever its name is. @param {Blob} file @returns {Promise<boolean>} */
export async function isZip(file) {
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  return head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5);
}

/**
 * @param {File} zip @param {number} most bytes that one unpacked file may have
 * @returns {Promise<Item[]>} its files; throws a sentence if it cannot be read
 */
export async function zipItems(zip, most) {
  const tail = await bytesOf(zip.slice(-(COMMENT_BYTES + 22)));
  let at = tail.byteLength - 22;
  while (at >= 0 && tail.getUint32(at, true) !== END) at -= 1;
  if (at < 0) throw new Error(BROKEN);
  const [count, size, offset] = [tail.getUint16(at + 10, true), tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  if (count === 0xffff || offset === 0xffffffff) {
    throw new Error("The ZIP has more than 65,000 files or 4 GB: unpack it, and choose the folder.");
  }
  const list = await bytesOf(zip.slice(offset, offset + size));
  const items = [];
  for (let place = 0; items.length < count; ) {
    if (place + 46 > list.byteLength || list.getUint32(place, true) !== ENTRY) throw new Error(BROKEN);
    const entry = entryAt(list, place);
    place += entry.length;
    items.push({ name: entry.name, open: () => unpack(zip, entry, most) });
  }
  return items.filter(({ name }) => !name.endsWith("/"));
}

/** @param {DataView} list @param {number} at */
function entryAt(list, at) {
  const [flags, method] = [list.getUint16(at + 8, true), list.getUint16(at + 10, true)];
  const [packed, size] = [list.getUint32(at + 20, true), list.getUint32(at + 24, true)];
  const [name, extra, comment] = [28, 30, 32].map((field) => list.getUint16(at + field, true));
  const raw = new Uint8Array(list.buffer, at + 46, Math.min(name, list.byteLength - at - 46));
  return { flags, method, packed, size, offset: list.getUint32(at + 42, true), name: decode(raw, flags), length: 46 + name + extra + comment };
}

/** Names are only for showing. @param {Uint8Array<ArrayBuffer>} raw @param {number} flags */
function decode(raw, flags) {
  try {
    return new TextDecoder("utf-8", { fatal: !(flags & UTF8) }).decode(raw);
  } catch {
    return new TextDecoder("latin1").decode(raw);
  }
}

/** @param {File} zip @param {ReturnType<typeof entryAt>} entry @param {number} most @returns {Promise<File>} */
async function unpack(zip, entry, most) {
  if (entry.flags & ENCRYPTED) throw new Error("It is encrypted: pack the ZIP again without a password.");
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw new Error("It is packed in a way that browsers cannot read: pack it again as an ordinary ZIP.");
  }
  if (entry.size > most) throw new Error("It is larger than any photo or clip may be: save it smaller.");
  const header = await bytesOf(zip.slice(entry.offset, entry.offset + 30));
  if (header.byteLength < 30) throw new Error(BROKEN);
  const start = entry.offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  const data = zip.slice(start, start + entry.packed);
  const parts = entry.method === STORED ? [data] : await inflated(data, entry.size);
  const file = new File(parts, entry.name.split("/").at(-1) ?? "");
  if (file.size !== entry.size) throw new Error(BROKEN);
  return file;
}

/** @param {Blob} data @param {number} size what it must unpack to: more is not read */
async function inflated(data, size) {
  const reader = data.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  for (let left = size; left >= 0; ) {
    const { done, value } = await reader.read().catch(() => {
      throw new Error(BROKEN);
    });
    if (done) return parts;
    parts.push(value);
    left -= value.length;
  }
  await reader.cancel();
  throw new Error(BROKEN);
}

/** @param {Blob} blob @returns {Promise<DataView<ArrayBuffer>>} */
const bytesOf = async (blob) => new DataView(await blob.arrayBuffer());
