// A form that is on its way is not sent again by a second click: what it makes would be there twice.

const AGAIN_AFTER_MS = 3000;

addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if ("sent" in form.dataset) return event.preventDefault();
  form.dataset.sent = "";
  setTimeout(() => delete form.dataset.sent, AGAIN_AFTER_MS);
});
