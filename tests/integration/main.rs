//! The whole of Peyvand from outside: the program is started as its user starts it, and asked over HTTP.

mod conversation;
mod support;
mod systems;
