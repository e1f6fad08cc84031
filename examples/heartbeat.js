// A WebSocket that stays. A browser does not tell a page that the server is gone: this asks it, by a pair of texts, and connects
// again, one attempt at a time, with back-off and full jitter. The server answers: `TextHeartbeat::answered()`.
//   const live = new LiveSocket("wss://example.com/chat"); // it dispatches open, message, beat (detail: the round trip) and close
//   live.addEventListener("close", ({ code }) => console.log(code, live.retryIn)); // all times in ms; null: over for good
const NEVER = new Set([1000, 1008, 1010, 3000, 3003]); // connecting again would end the same way
const LATER = new Set([1012, 1013, 1014, 1015]); // the server asked for time
export class LiveSocket extends EventTarget {
  socket = null; retryIn = null; #over = true; #kept = true; #left = false; #attempts = 0; #opened = 0; #asked = 0; #beat; #retry;
  constructor(url, options) { // texts that no user can type, the same as the server's
    super();
    Object.assign(this, { url, protocols: [], ping: "ping", pong: "pong", interval: 20000, margin: 10000, reconnect: true },
      { first: 500, most: 30000, later: 5000, stable: 10000 }, options);
    if (![this.interval, this.margin].every((ms) => ms >= 100 && ms <= 864e5)) throw RangeError("interval, margin: 100 to 864e5");
    addEventListener("pagehide", () => { const live = this.#kept; this.close(1000, "page left"); this.#left = live; });
    addEventListener("pageshow", () => { if (this.#left) this.open(); }); // from the cache; 1000, as a page may not say 1001
    this.open();
  }
  open() {
    if (!this.#kept) this.#end({ code: 1006 }); // what was closed is not waited for
    if (!this.#over) return; // one at a time
    clearTimeout(this.#retry);
    const socket = this.socket = new WebSocket(this.url, this.protocols);
    [this.#over, this.#kept, this.#opened, this.#asked, this.retryIn, socket.binaryType] = [false, true, 0, 0, null, "arraybuffer"];
    socket.onopen = () => { this.#opened = performance.now(); this.#heard(); this.dispatchEvent(new Event("open")); };
    socket.onmessage = ({ data }) => {
      this.#heard(); // whatever it is, the server lives
      const took = performance.now() - this.#asked; // where both texts are the same, the one that is waited for is an answer
      if (data === this.ping && (data !== this.pong || !this.#asked)) socket.send(this.pong);
      else if (data !== this.pong) this.dispatchEvent(new MessageEvent("message", { data }));
      else if (this.#asked) { this.#asked = 0; this.dispatchEvent(new CustomEvent("beat", { detail: took })); }
    };
    socket.onclose = (event) => this.#end(event);
  }
  close(...args) { // for good, until `open` is called; it throws for a code that a page may not use
    this.socket.close(...args);
    [this.#beat, this.#retry].forEach(clearTimeout);
    [this.#kept, this.#left, this.retryIn] = [false, false, null];
  }
  #heard() { clearTimeout(this.#beat); if (this.#kept) this.#beat = setTimeout(() => this.#ask(), this.interval); }
  #ask(respite = true, due = performance.now() + this.margin) {
    if (!this.#asked) { this.#asked = performance.now(); this.socket.send(this.ping); }
    this.#beat = setTimeout(() => { // whoever comes late, after a sleep for instance, judges the server at the second look
      if (respite && performance.now() - due > 1000) this.#ask(false);
      else this.#end({ code: 1006, reason: "no sign of life" });
    }, this.margin);
  }
  #end({ code, reason = "", wasClean = false }) {
    if (this.#over) return;
    this.#over = true; clearTimeout(this.#beat);
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close(); // where the server is gone, the browser itself would wait for it
    if (this.#opened && performance.now() - this.#opened > this.stable) this.#attempts = 0;
    const backOff = Math.random() * Math.min(this.most, this.first * 2 ** this.#attempts++);
    const delay = LATER.has(code) ? this.later * (1 + 5 * Math.random()) : backOff;
    this.#kept &&= this.reconnect && !NEVER.has(code);
    if (this.#kept) this.#retry = setTimeout(() => this.open(), this.retryIn = delay);
    this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean }));
  }
}
