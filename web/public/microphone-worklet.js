// A classic file of its own: browsers load it into the audio thread, which knows nothing of the page's bundle.
const PIECE = 2048;

class MicrophoneProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(PIECE);
    this.filled = 0;
  }

  process([input]) {
    for (const sample of input[0] ?? []) {
      this.piece[this.filled++] = sample;
      if (this.filled === PIECE) {
        this.port.postMessage(this.piece.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor('microphone', MicrophoneProcessor);
