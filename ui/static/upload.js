// Files into the app: chosen, pasted or dropped anywhere; one after the other, in order, so
// that pages keep the order of the files. Each file has its own row with its own outcome.
(() => {
  if (!window.htr || window.htr.upload) return;
  const { h, say, message } = window.htr;
  const TYPES = ".jpg,.jpeg,.png,.webp,.tif,.tiff,.pdf,.zip,.xml,.txt,.parquet,.jsonl,.csv";
  let running = 0;

  // Returns the name of a file with its folders, where it was dropped with them.
  const nameOf = (file) => file.htrName || file.name;

  // Returns a promise of the server's answer {message, ...}; `onShare` gets 0-1 while sending.
  function send(address, file, onShare) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", address);
      request.setRequestHeader("X-File-Name", encodeURIComponent(nameOf(file)));
      request.upload.onprogress = (event) => event.lengthComputable && onShare(event.loaded / event.total);
      request.onerror = () => reject(new Error(t`The connection broke.`));
      request.onload = () => {
        try {
          resolve(JSON.parse(request.responseText));
        } catch {
          reject(new Error(t`The server answered ${request.status}.`));
        }
      };
      request.send(file);
    });
  }

  // Returns the server's answer, or null where the file is not in; its row then says why.
  async function sendOne(address, file, row) {
    const progress = row.querySelector("progress");
    const words = row.querySelector(".words");
    words.textContent = t`sending`;
    try {
      const answer = await send(address, file, (share) => {
        progress.value = share;
        if (share >= 1) {
          progress.removeAttribute("value"); // sent: the server now checks and stores it
          words.textContent = t`checking`;
        }
      });
      if (!answer.message) {
        row.remove();
        return answer;
      }
      words.textContent = t.said(answer.message);
    } catch (error) {
      words.textContent = t`${error.message} This file is not in; add it again.`;
    }
    row.classList.add("failed");
    progress.remove();
    row.append(h("button", { type: "button", class: "quiet", onclick: () => row.remove(), "aria-label": t`Close` }, "×"));
    return null;
  }

  // Sends the files to the address; shows a row for each in `holder`; calls `onFile` after each
  // with the answer, or null where the file is not in. Returns how many are in.
  async function upload(address, files, holder, onFile, quiet = false) {
    const rows = [...files].map((file) => h("div", { class: "upload" },
      h("span", { class: "name", title: nameOf(file) }, nameOf(file)),
      h("progress", { max: 1, value: 0 }), h("span", { class: "words small" }, t`waiting`)));
    holder.append(...rows);
    running += 1;
    let sent = 0;
    for (const [index, file] of [...files].entries()) {
      const answer = await sendOne(address, file, rows[index]);
      if (answer) sent += 1;
      onFile(answer);
    }
    running -= 1;
    if (sent && files.length > 1 && !quiet) message(t`${sent} of ${files.length} files are in.`);
    return sent;
  }

  window.addEventListener("beforeunload", (event) => {
    if (running) event.preventDefault(); // files not sent yet would be lost
  });

  // Opens the file chooser and gives the chosen files to `onFiles`.
  function choose(onFiles, types = TYPES) {
    const input = h("input", { type: "file", multiple: true, accept: types });
    input.addEventListener("change", () => input.files.length && onFiles([...input.files]));
    input.click();
  }

  // ---- drop anywhere: the place that is shown says what happens with the files -----------------
  let depth = 0;
  let dropTarget = null;

  function setDrop(words, onFiles) {
    dropTarget = onFiles;
    document.body.dataset.dropWords = words || "";
  }

  // Returns the files of what was dropped, those in folders with their paths.
  async function droppedFiles(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...transfer.files];
    if (!entries.some((entry) => entry.isDirectory)) return plain;
    const found = [];
    const walk = async (entry) => {
      if (entry.isFile) {
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        file.htrName = entry.fullPath.replace(/^\/+/, "");
        found.push(file);
        return;
      }
      const reader = entry.createReader();
      for (;;) { // a reader gives a hundred at a time
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!some.length) return;
        for (const inner of some) await walk(inner);
      }
    };
    for (const entry of entries) await walk(entry);
    const order = new Intl.Collator(undefined, { numeric: true });
    return found.sort((a, b) => order.compare(a.htrName, b.htrName));
  }

  const hasFiles = (event) => dropTarget && [...(event.dataTransfer?.types || [])].includes("Files");
  window.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    document.body.classList.add("htr-dropping");
  });
  window.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) document.body.classList.remove("htr-dropping");
  });
  window.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
    depth = 0;
    document.body.classList.remove("htr-dropping");
    const target = dropTarget;
    droppedFiles(event.dataTransfer).then((files) => files.length && target(files)).catch(say);
  }, true);

  Object.assign(window.htr, { upload, choose, setDrop });
})();
