// Node's `ws` as a peer: talk.js WS client URL OPTIONS MESSAGES | talk.js WS server OPTIONS
// The client sends the messages one after the other and compares what comes back; the server sends everything back.
const [, , path, role, ...args] = process.argv;
const WebSocket = require(path);

if (role === "client") {
  const [url, options, messages] = [args[0], JSON.parse(args[1]), JSON.parse(args[2])];
  const ws = new WebSocket(url, { perMessageDeflate: options });
  let next = 0;
  const send = () => (next < messages.length ? ws.send(messages[next]) : ws.close(1000));
  const fail = (what) => {
    console.log(`FAILED ${what}`);
    process.exit(1);
  };
  ws.on("open", send);
  ws.on("message", (data, isBinary) => {
    if (isBinary || data.toString() !== messages[next]) fail(`message ${next} came back as something else`);
    next += 1;
    send();
  });
  ws.on("error", (error) => fail(error));
  ws.on("close", (code) => (code === 1000 && next === messages.length ? console.log("done") : fail(`closed: ${code}`)));
} else {
  const server = new WebSocket.Server({ host: "127.0.0.1", port: 0, perMessageDeflate: JSON.parse(args[0]) });
  server.on("listening", () => console.log(`listening on port ${server.address().port}`));
  server.on("connection", (ws) => ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary })));
}
