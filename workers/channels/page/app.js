// The chat page. It keeps the conversation in the browser, sends what the person writes until the server has accepted
// it, and shows replies as they come; texts only ever enter the page as text.
"use strict";

const WORDS = {
  fa: {
    name: "پیوند", fresh: "گفتگوی تازه", hello: "سلام! چه کمکی از من برمی‌آید؟",
    about: "از سفارش‌ها و موجودی کالا بپرسید؛ پاسخ زنده از سامانهٔ شرکت می‌آید.",
    samples: "نمونه‌ها", offers: "پاسخ‌های پیشنهادی", log: "گفتگو", write: "پیام خود را بنویسید…", send: "فرستادن",
    keys: "Enter می‌فرستد، Shift+Enter خط تازه", other: "English",
    connected: "متصل", connecting: "در حال اتصال…", offline: "اتصال قطع است", retry: "تلاش دوباره",
    you: "شما:", edit: "ویرایش و فرستادن دوباره", long: "پیام بلندتر از اندازهٔ مجاز است؛ کوتاه‌ترش کنید یا در چند پیام بفرستید.",
    pending: "در حال فرستادن…", waiting: "پیام رسید…",
    late: "هنوز پاسخی نیامده است. پیام شما رسیده؛ پاسخ که آماده شود همین‌جا نمایش داده می‌شود.",
    unsent: "پیام هنوز فرستاده نشده است؛ با برقراری اتصال فرستاده می‌شود.",
    confirm: "گفتگوی تازه آغاز شود؟ این گفتگو از این صفحه پاک می‌شود.",
  },
  en: {
    name: "Peyvand", fresh: "New conversation", hello: "Hello! How can I help?",
    about: "Ask about orders and stock; the answer comes live from the company’s own system.",
    samples: "Examples", offers: "Suggested answers", log: "Conversation", write: "Write a message…", send: "Send",
    keys: "Enter sends, Shift+Enter starts a new line", other: "فارسی",
    connected: "Connected", connecting: "Connecting…", offline: "Connection lost", retry: "Try now",
    you: "You:", edit: "Edit and send again", long: "This message is too long; shorten it, or send it in parts.",
    pending: "Sending…", waiting: "Received…",
    late: "No answer yet. Your message has arrived; the answer will appear here as soon as it is ready.",
    unsent: "Your message is not sent yet; it will be as soon as the connection is back.",
    confirm: "Start a new conversation? This one will be removed from this page.",
  },
};
const KEPT_MAX = 200;
const OFFERS_MAX = 5;
const LATE_MS = 20_000;
const GIVE_UP_MS = 180_000;
const ACCEPT_MS = 10_000;
const RETRY = { first: 500, max: 15_000 };
const LATER = { too_fast: 1_000, unavailable: 3_000 };
// How far a message of ours has come; of two tabs' views the further one is true.
const RANK = { pending: 0, accepted: 1, failed: 1, answered: 2, gone: 3 };
const $ = (id) => document.getElementById(id);

// --- what the browser keeps; a browser that keeps nothing still talks

function kept(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}
function keep(key, value) {
  try { localStorage.setItem(key, value); } catch { /* private window or full: only this page remembers */ }
}
function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Outside a secure context (a plain address in the office network) only this one is there.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
}
const freshTalk = () => ({ conversation: `web-${randomId()}`, cursor: 0, items: [] });
function keptTalk() {
  try {
    const talk = JSON.parse(kept("peyvand.talk"));
    if (typeof talk.conversation === "string" && Number.isInteger(talk.cursor) && Array.isArray(talk.items)) return talk;
  } catch { /* nothing kept or not ours */ }
  return null;
}
function keepTalk() {
  talk.items = talk.items.slice(-KEPT_MAX);
  keep("peyvand.talk", JSON.stringify(talk));
}
function saveTalk() {
  const there = keptTalk();
  // Another tab has begun a new conversation; we are about to be told.
  if (there && there.conversation !== talk.conversation) return;
  if (there) absorb(there);
  keepTalk();
}
// Takes over what another tab of this conversation knows and we do not. The cursor stays ours: it says what this page
// has heard.
function absorb(other) {
  let changed = false;
  for (const item of other.items) {
    const mine = talk.items.find((one) => one.id === item.id);
    if (mine && (RANK[item.state] || 0) <= (RANK[mine.state] || 0)) continue;
    if (mine) Object.assign(mine, item); else talk.items.push(item);
    changed = true;
  }
  if (changed) talk.items.sort((one, two) => one.at - two.at);
  return changed;
}

let talk = keptTalk() || freshTalk();
let language = kept("peyvand.language");
if (!WORDS[language]) language = (navigator.language || "fa").toLowerCase().startsWith("en") ? "en" : "fa";
keepTalk();

// --- what the person sees

const rows = new Map();

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
function noteOf(item) {
  if (item.state === "failed") return item.why ? item.why[language] : "";
  if (item.state === "pending") return WORDS[language].pending;
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(language, clock).format(new Date(item.at));
}
// Each line is a block of its own, so that the points of a list hang under each other.
function fill(bubble, text) {
  for (const line of text.split("\n")) bubble.append(element("span", line.startsWith("•") ? "line point" : "line", line || "\u00a0"));
}
function newRow(item) {
  const row = element("div", "");
  const bubble = element("div", `bubble ${item.who}`);
  bubble.dir = "auto";
  if (item.who === "mine") bubble.textContent = item.pressed || item.text; else fill(bubble, item.text);
  if (WORDS[item.language]) {
    // A reply's language is known, so a line of it that begins with a Latin name still runs its language's way.
    bubble.lang = item.language;
    bubble.dir = item.language === "fa" ? "rtl" : "ltr";
  }
  const who = item.who === "mine" ? WORDS[language].you : `${WORDS[language].name}:`;
  row.append(element("span", "unseen", who), bubble, element("p", "note"));
  return row;
}
function show(item) {
  const atEnd = nearEnd();
  let row = rows.get(item.id);
  if (item.state === "gone") {
    if (row) row.remove();
    rows.delete(item.id);
    return;
  }
  if (!row) {
    row = newRow(item);
    rows.set(item.id, row);
    $("log").append(row);
  }
  row.className = `row ${item.who} ${item.state || ""}`;
  const note = row.querySelector(".note");
  note.textContent = noteOf(item);
  if (item.state === "failed") note.append(" ", editButton(item));
  if (atEnd || item.who === "mine") toEnd();
}
// The newest reply alone offers answers, until something is said after it.
function showOffers() {
  const atEnd = nearEnd();
  const there = talk.items.filter((item) => item.state !== "gone");
  // News of an earlier wish, pushed behind a question, do not answer it.
  const spoken = there.findLastIndex((item) => item.who === "mine" && item.state !== "failed");
  const offering = there.findLastIndex((item, at) => at > spoken && item.who === "reply" && buttonsOf(item.buttons).length > 0);
  const newest = offering >= 0 ? offering : there.findLastIndex((item) => item.who === "reply");
  const buttons = newest < 0 ? [] : buttonsOf(there[newest].buttons);
  const row = buttons.length > 0 && rows.get(there[newest].id);
  for (const old of document.querySelectorAll(".offers")) if (old.parentElement !== row) old.remove();
  if (!row) return;
  let offers = row.querySelector(".offers");
  if (!offers) {
    offers = element("div", "offers");
    offers.setAttribute("role", "group");
    offers.setAttribute("aria-label", WORDS[language].offers);
    offers.dir = row.querySelector(".bubble").dir;
    for (const { label, value } of buttons) {
      const button = element("button", "offer", label);
      button.type = "button";
      button.addEventListener("click", () => { say(value, label); $("text").focus(); });
      offers.append(button);
    }
    row.append(offers);
  }
  const said = there.slice(newest + 1).some((item) => item.who === "mine" && item.state !== "failed");
  for (const button of offers.children) button.disabled = said;
  if (atEnd) toEnd();
}
function buttonsOf(given) {
  const isText = (text) => typeof text === "string" && text.trim() !== "";
  return (Array.isArray(given) ? given : []).filter((one) => one && isText(one.label) && isText(one.value)).slice(0, OFFERS_MAX);
}
function editButton(item) {
  const button = element("button", "link", WORDS[language].edit);
  button.type = "button";
  button.addEventListener("click", () => {
    const written = $("text").value;
    $("text").value = written ? `${item.text}\n${written}` : item.text;
    Object.assign(item, { state: "gone", text: "" });
    saveTalk();
    show(item);
    showWaiting();
    fit();
    $("text").focus();
  });
  return button;
}
function showAll() {
  rows.clear();
  $("log").replaceChildren();
  talk.items.forEach(show);
  showWaiting();
  toEnd();
}
function nearEnd() {
  const box = $("scroll");
  return box.scrollHeight - box.scrollTop - box.clientHeight < 120;
}
function toEnd() {
  $("scroll").scrollTop = $("scroll").scrollHeight;
}
function showWaiting() {
  const now = Date.now();
  const open = talk.items.filter((item) => item.state === "accepted" && now - item.at < GIVE_UP_MS);
  const unsent = talk.items.some((item) => item.state === "pending" && now - item.at > ACCEPT_MS);
  const late = open.some((item) => now - item.at >= LATE_MS);
  const atEnd = nearEnd();
  $("welcome").hidden = rows.size > 0;
  showOffers();
  $("typing").hidden = open.length === 0;
  $("hint").hidden = !late && !unsent;
  const hint = unsent ? WORDS[language].unsent : late ? WORDS[language].late : "";
  if ($("hint").textContent !== hint) $("hint").textContent = hint;
  if (atEnd) toEnd();
}
function showState(state) {
  $("state").dataset.state = state;
  $("state").textContent = WORDS[language][state];
  $("retry").hidden = state !== "offline";
}
function speak(chosen) {
  language = chosen;
  const words = WORDS[language];
  document.documentElement.lang = language;
  document.documentElement.dir = language === "fa" ? "rtl" : "ltr";
  document.title = words.name;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = words[node.dataset.text];
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", words[node.dataset.label]);
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = words[node.dataset.placeholder];
  $("new").setAttribute("aria-label", words.fresh);
  $("language").textContent = words.other;
  $("language").lang = language === "fa" ? "en" : "fa";
  showState($("state").dataset.state);
  showAll();
}

// --- the connection

let socket = null;
let attempt = 0;
let reconnectTimer = 0;
// Messages that the server has asked to send again later.
const putOff = new Set();

function connect() {
  clearTimeout(reconnectTimer);
  showState(attempt > 1 ? "offline" : "connecting");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const query = new URLSearchParams({ conversation_id: talk.conversation, after: talk.cursor });
  const mine = new WebSocket(`${scheme}//${location.host}/v1/socket?${query}`);
  socket = mine;
  mine.onmessage = (event) => { if (socket === mine) take(JSON.parse(event.data)); };
  mine.onclose = () => { if (socket === mine) reconnect(); };
}
function reconnect() {
  if (socket) { socket.onclose = null; socket.close(); }
  socket = null;
  attempt += 1;
  showState(attempt > 1 ? "offline" : "connecting");
  const pause = Math.min(RETRY.max, RETRY.first * 2 ** Math.min(attempt - 1, 10));
  clearTimeout(reconnectTimer);
  reconnectTimer = setTimeout(connect, pause * (0.5 + Math.random() / 2));
}
function reconnectNow() {
  if (socket && socket.readyState <= WebSocket.OPEN) return;
  attempt = 0;
  connect();
}
function ready() {
  return socket && socket.readyState === WebSocket.OPEN;
}
function deliver(item) {
  if (!ready()) return;
  const message = { type: "message", client_message_id: item.id, text: item.text };
  // A first message without a letter ("45001") says nothing about its language; the page's own is then the best guess.
  if (item === talk.items[0] && !/\p{L}/u.test(item.text)) message.language = language;
  socket.send(JSON.stringify(message));
  const sentBy = socket;
  setTimeout(() => {
    // A connection that died unnoticed accepts nothing.
    if (item.state === "pending" && socket === sentBy && !putOff.has(item.id)) reconnect();
  }, ACCEPT_MS);
}
function itemOf(id) {
  return talk.items.find((item) => item.id === id && item.who === "mine");
}
function take(event) {
  if (event.type === "ready") {
    attempt = 0;
    // 0 when the server has forgotten this conversation, as after a fresh start.
    talk.cursor = event.cursor;
    showState("connected");
    talk.items.filter((item) => item.state === "pending").forEach(deliver);
  } else if (event.type === "accepted") {
    const item = itemOf(event.client_message_id);
    if (item && item.state === "pending") {
      const answered = talk.items.some((other) => other.turn === event.event_id);
      Object.assign(item, { state: answered ? "answered" : "accepted", event: event.event_id });
      show(item);
    }
  } else if (event.type === "refused") {
    const item = itemOf(event.client_message_id);
    if (item && item.state === "pending") refuse(item, event);
  } else if (event.type === "reply") {
    takeReply(event);
  }
  saveTalk();
  showWaiting();
}
function refuse(item, event) {
  const pause = LATER[event.code];
  if (pause) {
    putOff.add(item.id);
    setTimeout(() => { putOff.delete(item.id); if (item.state === "pending") deliver(item); }, pause);
    return;
  }
  Object.assign(item, { state: "failed", why: event.message });
  show(item);
}
function takeReply(event) {
  if (event.cursor <= talk.cursor) return;
  talk.cursor = event.cursor;
  if (talk.items.some((item) => item.id === event.event_id)) return;
  // Messages that are parts of one turn are answered together.
  const answered = [event.turn_id, ...(Array.isArray(event.parts) ? event.parts : [])];
  for (const item of talk.items) {
    if (answered.includes(item.event) && item.state === "accepted") {
      item.state = "answered";
      show(item);
    }
  }
  const reply = { id: event.event_id, who: "reply", text: event.text, language: event.language, buttons: buttonsOf(event.buttons), turn: event.turn_id, at: Date.now() };
  talk.items.push(reply);
  show(reply);
}

// --- what the person does

const bytesMax = Number($("text").dataset.bytesMax);
const sayable = (text) => text.trim() !== "" && !tooLong(text);
const tooLong = (text) => new TextEncoder().encode(text).length > bytesMax;

// A button sends its value; the person sees what it was called.
function say(text, pressed) {
  const item = { id: randomId(), who: "mine", text, pressed, state: "pending", at: Date.now() };
  talk.items.push(item);
  saveTalk();
  show(item);
  showWaiting();
  deliver(item);
}
function fit() {
  const box = $("text");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 168)}px`;
  const long = tooLong(box.value);
  $("send").disabled = !sayable(box.value);
  if ($("long").hidden === long) $("long").hidden = !long;
  box.setAttribute("aria-invalid", String(long));
}
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const box = $("text");
  if (!sayable(box.value)) return;
  say(box.value);
  box.value = "";
  fit();
  box.focus();
});
$("text").addEventListener("input", fit);
$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("form").requestSubmit();
});
$("samples").addEventListener("click", (event) => {
  const sample = event.target.closest(".sample");
  if (sample) { say(sample.textContent); $("text").focus(); }
});
$("language").addEventListener("click", () => {
  speak(language === "fa" ? "en" : "fa");
  keep("peyvand.language", language);
});
$("new").addEventListener("click", () => {
  if (rows.size > 0 && !confirm(WORDS[language].confirm)) return;
  talk = freshTalk();
  keepTalk();
  showAll();
  attempt = 0;
  if (socket) { socket.onclose = null; socket.close(); }
  connect();
  $("text").focus();
});
$("retry").addEventListener("click", reconnectNow);
addEventListener("online", reconnectNow);
document.addEventListener("visibilitychange", () => { if (!document.hidden) reconnectNow(); });
// Another tab of the same browser talks in the same conversation, or has begun a new one.
addEventListener("storage", (event) => {
  const there = event.key === "peyvand.talk" && keptTalk();
  if (!there) return;
  if (there.conversation === talk.conversation) {
    if (absorb(there)) showAll();
    return;
  }
  talk = there;
  showAll();
  attempt = 0;
  if (socket) { socket.onclose = null; socket.close(); }
  connect();
});
setInterval(showWaiting, 1_000);

speak(language);
connect();
fit();
if (matchMedia("(hover: hover)").matches) $("text").focus();
