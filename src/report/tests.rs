//! Each format, written for runs that have something of everything, hostile text included.

mod github;
mod html;
mod junit;
mod markdown;
mod text;
