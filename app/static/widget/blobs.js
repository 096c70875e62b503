/** Files that wait to be sent, in IndexedDB, so that they outlive a reload; in memory where there is none. */
const here = new Map();

export async function keep(name, files) {
  here.set(name, files);
  await run("readwrite", (store) => store.put(files, name));
}

export async function find(name) {
  return here.get(name) ?? (await run("readonly", (store) => store.get(name))) ?? null;
}

export async function remove(name) {
  here.delete(name);
  await run("readwrite", (store) => store.delete(name));
}

async function run(mode, work) {
  try {
    const database = await open();
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction("files", mode);
      const asked = work(transaction.objectStore("files"));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    }).finally(() => database.close());
  } catch {
    return null; // a private window, or a full disk
  }
}

function open() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("kulpunai", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("files");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}
