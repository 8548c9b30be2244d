//! `judge`: traffic that a mock answered, recorded in the forms that clients and proxies write, and what is made of it.

mod command;
mod curl;
mod forms;
mod hostile;
mod own_words;
mod readings;
mod recorder;
mod secrets;
mod several;
