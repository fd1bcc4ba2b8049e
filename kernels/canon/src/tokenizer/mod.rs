//! From text to tokens, in steps that a chain can execute.
//!
//! # Definition
//! A text is UTF-8; bytes that are not are replaced by U+FFFD, one for each maximal part of a character ([`repaired`]).
//! A chat is one text: the checkpoint's prefix, the message, the checkpoint's suffix ([`Head::chat`]).
//!
//! 1. **Special tokens** written out in the text become their ids: from the left, and of those that begin at the same
//!    place the longest ([`Spans`]). What lies between them is split by itself.
//! 2. **Words**: a number ([`Class::Number`]) is a word by itself. What lies between numbers is split by itself, from the
//!    left, by the first of these that applies: `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d`; letters, with at most one
//!    U+0020 before them; others, with at most one U+0020 before them; white space up to the end of what is split; white
//!    space without its last character, where anything is left; one character of white space. A word longer than
//!    [`MAX_WORD`] bytes is cut into words of as many bytes as fit, between characters.
//! 3. **Symbols**: each byte of a word becomes the symbol that the [`Head`] gives for it. A byte without one is passed
//!    over: it takes part in 1 and 2, but belongs to no token.
//! 4. **Merges**: of the pairs of neighbours that the checkpoint lists, the one of the lowest rank is merged, the leftmost
//!    of several, until there is none. What remains are the word's tokens ([`Word`]).
//!
//! The *end* of a token is how many bytes the tokens up to and with it stand for: where every byte has a symbol, the place
//! in the text at which it ends.
//!
//! # Judging a token
//! The [`Head`] is all that a chain needs to have of a tokenizer. Two parties that agree on the tokens before one, hence on
//! the end of the last of these, find by [`Head::place`] what the next one follows from: it is fixed, or it is read from a
//! word. A word is a program ([`WordProgram`]): a list of states, each of which [`WordProgram::evaluate`] makes of the one
//! before with at most [`LOOKUPS`] looked-up pairs. When they agree on the last state, [`WordProgram::token`] reads the
//! token off it.
//!
//! Pairs are looked up in a Merkle tree of all pairs ([`find`]), what a token of the output stands for in one of the
//! vocabulary. `docs/tokenizer.md` has the bytes.

mod classes;
mod head;
mod pairs;
mod place;
mod scan;
#[cfg(test)]
mod tests;
mod word;

pub use classes::Class;
pub use head::{
	repaired, Head, HeadError, Special, MAX_AFFIX_BYTES, MAX_HEAD_BYTES, MAX_PAIRS, MAX_SPECIAL,
	MAX_SPECIAL_BYTES, MAX_TOKEN_BYTES, MAX_VOCABULARY, NO_SYMBOL,
};
pub use pairs::{find, pair_leaf, Merge, Pair, PAIR_BYTES};
pub use place::{id_token, Place, Token};
pub use scan::{Span, Spans};
pub use word::{Symbol, Word, WordProgram, LOOKUPS, MAX_STATE_BYTES, MAX_STEPS, MAX_WORD};
