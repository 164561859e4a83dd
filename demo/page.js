// Takes a picture by Ctrl-V, for which Gradio has a button alone, and says below the photograph why
// the webcam or the clipboard gave none; Gradio says nothing.
(() => {
  const SETTINGS = "Allow it in the browser’s settings for this page, and try again.";
  const NEED_TRUST =
    '[title="grant webcam access"], [aria-label="Paste from clipboard"], #json [aria-label="Copy"]';
  const NO_PICTURE = "The clipboard holds no picture.";
  let shown;

  function tell(text) {
    shown?.remove();
    shown = document.createElement("p");
    shown.className = "message";
    shown.setAttribute("role", "alert");
    shown.textContent = text;
    document.querySelector("#photograph").after(shown);
  }

  function watch(owner, method, explain, require = () => {}) {
    if (!owner?.[method]) return; // as over plain HTTP from another machine
    const original = owner[method].bind(owner);
    owner[method] = async (...given) => {
      try {
        const got = await original(...given);
        require(got);
        return got;
      } catch (error) {
        tell(explain(error));
        throw error;
      }
    };
  }

  function requirePicture(items) {
    if (!items.some(item => item.types.some(type => type.startsWith("image/")))) {
      throw new DOMException("no picture", "NotFoundError");
    }
  }

  watch(navigator.mediaDevices, "getUserMedia", ({name, message}) => ({
    NotAllowedError: `The browser does not let this page use the webcam. ${SETTINGS}`,
    NotFoundError: "No webcam was found.",
  })[name] ?? `The webcam does not start (${message}).`);
  watch(navigator.clipboard, "read", ({name, message}) => ({
    NotAllowedError: `The browser does not let this page read the clipboard. ${SETTINGS}`,
    NotFoundError: NO_PICTURE,
  })[name] ?? `The clipboard cannot be read (${message}).`, requirePicture);

  // Unlike the button, this works over plain HTTP from another machine, too.
  document.addEventListener("paste", ({clipboardData, target}) => {
    const picture = [...clipboardData.files].find(({type}) => type.startsWith("image/"));
    if (!picture) {
      if (!target.closest("input, textarea")) tell(NO_PICTURE);
      return;
    }
    document.querySelector('#photograph [aria-label="Upload file"]').click(); // leaves the webcam
    const input = document.querySelector("#photograph input[type=file]");
    const one = new DataTransfer();
    one.items.add(picture);
    input.files = one.files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
  });

  for (const attempt of ["click", "drop", "paste"]) {
    document.addEventListener(attempt, ({target}) => {
      shown?.remove();
      if (!isSecureContext && target.closest(NEED_TRUST)) {
        tell("The browser allows this only on the machine that runs the page, or over HTTPS.");
      }
    }, true);
  }
})();
