//! What the mock survives: bodies, heads, connections and handshakes of people who mean no good, over HTTP and HTTPS.
//!
//! Each row is sent to a served sensor; what comes back must be what the contract or the RFC asks, the service must not panic, and
//! after each row two clients of good manners, one that has been there all the time and one that is new, are answered.

mod bodies;
mod bytes;
mod client;
mod crowd;
mod framing;
mod handshakes;
mod heads;
mod json;
mod mock;
mod table;
mod time;
