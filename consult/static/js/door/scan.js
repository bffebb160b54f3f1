// Reads QR codes by the camera, where the browser can.
const can = "BarcodeDetector" in window && navigator.mediaDevices?.getUserMedia;

/** Shows the button; `found` gets the text of each code, the same one not twice in a row. */
export function offer(button, box, found, refused) {
  if (!can) return;
  const video = box.querySelector("video");
  let stream, last;
  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    box.hidden = true;
    button.hidden = false;
  };
  const look = async (detector) => {
    if (!stream) return;
    try {
      const [code] = await detector.detect(video);
      if (code && code.rawValue !== last) { last = code.rawValue; found(last); }
      if (!code) last = null;
    } catch { /* no picture yet */ }
    setTimeout(() => look(detector), 250);
  };
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      video.srcObject = stream;
      box.hidden = false;
      button.hidden = true;
      await video.play();
      look(new BarcodeDetector({ formats: ["qr_code"] }));
    } catch { stop(); refused(); }
  });
  box.querySelector("[data-stop]").addEventListener("click", () => { stop(); button.focus(); });
  addEventListener("pagehide", stop);
}
