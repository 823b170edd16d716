use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rquickjs::context::intrinsic;
use rquickjs::{Context, Runtime};

use super::control::{Interruption, RunControl};
use super::program::Program;

/// The name of the script in stacks.
pub(super) const FILE: &str = "main.js";

/// How deep a task may recurse.
pub(super) const STACK_BYTES: usize = 512 * 1024;

/// What the language has. Files, processes and modules are in none of the parts.
type Common = (
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Promise,
    intrinsic::MapSet,
    intrinsic::Date,
    intrinsic::Proxy,
    intrinsic::WeakRef,
);

/// Each of these is in a part of the language that takes a third of an engine's time to be set up.
const RARE: [&str; 18] = [
    "Int8",
    "Int16",
    "Int32",
    "Uint8",
    "Uint16",
    "Uint32",
    "BigInt64",
    "BigUint64",
    "Float16",
    "Float32",
    "Float64",
    "ArrayBuffer",
    "arrayBuffer",
    "DataView",
    "Atomics",
    "TextEncoder",
    "TextDecoder",
    "performance",
];

/// An engine with its limits.
pub(super) struct Sandbox {
    context: Context,
    memory_bytes: usize,
}

/// When a run ends though it would not by itself.
pub(super) struct Limits {
    control: Arc<RunControl>,
    timeout: Duration,
    deadline: Option<Instant>,
    /// What the engine was interrupted for. From then on no script runs.
    interruption: Cell<Option<Interruption>>,
}

impl Limits {
    fn new(control: Arc<RunControl>, timeout: Duration) -> Self {
        Self {
            control,
            timeout,
            // A time that no clock reaches is none.
            deadline: Instant::now().checked_add(timeout),
            interruption: Cell::new(None),
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether the run may go on.
    pub(super) fn check(&self) -> Result<(), Interruption> {
        if self.interruption.get().is_none() {
            if self.control.is_stopped() {
                self.interruption.set(Some(Interruption::Stopped));
            } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.interruption.set(Some(Interruption::TimedOut(self.timeout)));
            }
        }
        self.interruption.get().map_or(Ok(()), Err)
    }
}

impl Sandbox {
    /// How much garbage there may be before it is looked for. Most runs end before.
    const COLLECT_AT_BYTES: usize = 1024 * 1024;
    const CHECK_MEMORY_BYTES: usize = 64 * 1024 * 1024;

    pub(super) fn new(
        program: &Program<'_>,
        memory_bytes: usize,
        control: Arc<RunControl>,
        timeout: Duration,
    ) -> rquickjs::Result<(Self, Rc<Limits>)> {
        let runtime = Self::runtime()?;
        let limits = Rc::new(Limits::new(control, timeout));
        let asked = Rc::clone(&limits);
        runtime.set_interrupt_handler(Some(Box::new(move || asked.check().is_err())));
        let context = if RARE.iter().any(|word| program.names(word)) {
            Context::custom::<intrinsic::All>(&runtime)?
        } else {
            Context::custom::<Common>(&runtime)?
        };
        // Only now: an engine that finds no memory while it is set up is not safe to use.
        runtime.set_memory_limit(memory_bytes);
        Ok((
            Self {
                context,
                memory_bytes,
            },
            limits,
        ))
    }

    /// One that compiles and runs nothing.
    pub(super) fn for_checking() -> rquickjs::Result<Self> {
        let runtime = Self::runtime()?;
        let context = Context::custom::<intrinsic::All>(&runtime)?;
        let memory_bytes = Self::CHECK_MEMORY_BYTES;
        runtime.set_memory_limit(memory_bytes);
        Ok(Self {
            context,
            memory_bytes,
        })
    }

    fn runtime() -> rquickjs::Result<Runtime> {
        let runtime = Runtime::new()?;
        runtime.set_max_stack_size(STACK_BYTES);
        runtime.set_gc_threshold(Self::COLLECT_AT_BYTES);
        Ok(runtime)
    }

    /// Whether the engine has used most of its memory. No script may be running.
    pub(super) fn is_full(&self) -> bool {
        let used = self.context.runtime().memory_usage().malloc_size;
        usize::try_from(used).is_ok_and(|used| used > self.memory_bytes / 2)
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }
}
