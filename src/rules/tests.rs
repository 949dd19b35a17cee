//! Which of several rules counts.
