//! The engine over mocked repositories, on a clock that the tests move.

mod editing;
mod firing;
mod refusing;
mod world;
