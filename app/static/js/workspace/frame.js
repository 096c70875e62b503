// What stands in for the reports goes as soon as they say that they are drawn; without that word it fades by itself.

const frame = document.querySelector(".frame");
const wait = document.getElementById("frame-wait");

addEventListener("message", (event) => {
  if (event.source === frame.contentWindow && event.data === "kulpunai:drawn") wait.remove();
});
