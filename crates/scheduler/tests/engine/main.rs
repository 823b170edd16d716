//! The engine over mocked repositories, on a clock that the tests move.

mod announcing;
mod catching_up;
mod editing;
mod firing;
mod refusing;
mod together;
mod world;
