//! Fields of well-known replies
