// A WebSocket that stays. A browser does not tell a page that the server is gone: this asks it, by a pair of texts, and connects
// again, one attempt at a time, with back-off and full jitter. The server answers: `TextHeartbeat::answered()`.
//   const live = new LiveSocket("wss://example.com/chat"); // it dispatches open, message, beat (detail: the round trip) and close
//   live.addEventListener("close", ({ code }) => console.log(code, live.retryIn)); // all times in ms; null: over for good
const NEVER = new Set([1000, 1008, 1010, 3000, 3003]); // connecting again would end the same way
const LATER = new Set([1012, 1013, 1014, 1015]); // the server asked for time
export class LiveSocket extends EventTarget {
  socket = null; retryIn = null; #over = true; #kept = true; #attempts = 0; #opened = 0; #asked = 0; #beat = 0; #retry = 0;
  constructor(url, options) { // texts that no user can type, the same as the server's
    super();
    Object.assign(this, { url, protocols: [], ping: "ping", pong: "pong", interval: 20000, margin: 10000, reconnect: true },
      { first: 500, most: 30000, later: 5000, stable: 10000 }, options);
    addEventListener("pagehide", () => this.close(1000, "page left")); // a page may not say 1001
    addEventListener("pageshow", ({ persisted }) => { if (persisted) { this.#end({ code: 1006 }); this.open(); } });
    this.open();
  }
  open() {
    if (!this.#over) return; // one at a time
    clearTimeout(this.#retry);
    const socket = this.socket = new WebSocket(this.url, this.protocols);
    [this.#over, this.#kept, this.#opened, this.retryIn, socket.binaryType] = [false, true, 0, null, "arraybuffer"];
    socket.onopen = () => { this.#opened = performance.now(); this.#heard(); this.dispatchEvent(new Event("open")); };
    socket.onmessage = ({ data }) => {
      this.#heard(); // whatever it is, the server lives
      if (data === this.ping) socket.send(this.pong);
      else if (data !== this.pong) this.dispatchEvent(new MessageEvent("message", { data }));
      else this.dispatchEvent(new CustomEvent("beat", { detail: performance.now() - this.#asked }));
    };
    socket.onclose = (event) => this.#end(event);
  }
  close(...args) { // for good, until `open` is called; it throws for a code that a page may not use
    this.socket.close(...args);
    [this.#beat, this.#retry].forEach(clearTimeout);
    [this.#kept, this.retryIn] = [false, null];
  }
  #heard() { if (this.#kept) this.#after(this.interval, () => this.#ask()); }
  #ask() {
    this.#asked = performance.now();
    this.socket.send(this.ping);
    this.#after(this.margin, (late) => late > 1000 ? this.#ask() : this.#end({ code: 1006, reason: "no sign of life" }));
  }
  #after(ms, act, due = performance.now() + ms) { // whoever comes late, after a sleep for instance, cannot judge the server
    clearTimeout(this.#beat);
    this.#beat = setTimeout(() => act(performance.now() - due), ms);
  }
  #end({ code, reason = "", wasClean = false }) {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#beat);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close(); // where the server is gone, the browser itself would wait for it
    if (this.#opened && performance.now() - this.#opened > this.stable) this.#attempts = 0;
    const backOff = Math.random() * Math.min(this.most, this.first * 2 ** this.#attempts++);
    const delay = LATER.has(code) ? this.later * (1 + 5 * Math.random()) : backOff;
    this.retryIn = this.#kept && this.reconnect && !NEVER.has(code) ? delay : null;
    if (this.retryIn !== null) this.#retry = setTimeout(() => this.open(), delay);
    this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean }));
  }
}
