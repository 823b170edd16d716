use std::rc::Rc;
use std::sync::Arc;

use ratchet_interfaces::Progress;
use rquickjs::object::Property;
use rquickjs::prelude::{Func, Opt, Rest};
use rquickjs::{Ctx, Exception, FromJs, Function, IntoJs, Object, Value};

use super::control::Event;
use super::fetch::{Asked, Fetches};
use super::program::Program;
use super::run::{Failed, Run};
use super::timers::Timers;
use super::{console, web};

const TIMERS: &str = include_str!("timers.js");
const FETCH: &str = include_str!("fetch.js");

/// What a task finds beside the language itself. What its text does not name is not set up.
pub(super) struct Globals<'js> {
    timers: Rc<Timers>,
    /// Calls the function of a timer.
    fire: Option<Function<'js>>,
    fetches: Option<Rc<Fetches>>,
    /// Settles the promise of a fetch.
    settle: Option<Function<'js>>,
}

impl<'js> Globals<'js> {
    pub(super) fn install(ctx: &Ctx<'js>, program: &Program<'_>, run: &Run) -> rquickjs::Result<Self> {
        if program.names("console") {
            install_console(ctx, run)?;
        }
        if program.names("progress") {
            install_progress(ctx, run)?;
        }
        web::install(ctx, program)?;
        let timers = Rc::new(Timers::default());
        let mut globals = Self {
            timers,
            fire: None,
            fetches: None,
            settle: None,
        };
        if ["setTimeout", "setInterval", "sleep", "queueMicrotask"]
            .iter()
            .any(|word| program.names(word))
        {
            globals.fire = Some(install_timers(ctx, &globals.timers)?);
        }
        if program.names("fetch") {
            let fetches = Fetches::new(
                Arc::clone(&run.fetch),
                run.tokio.clone(),
                run.events.clone(),
                run.memory_bytes(),
            );
            let fetches = Rc::new(fetches);
            globals.settle = Some(install_fetch(ctx, &fetches)?);
            globals.fetches = Some(fetches);
        }
        Ok(globals)
    }

    pub(super) fn timers(&self) -> &Timers {
        &self.timers
    }

    pub(super) fn is_fetching(&self) -> bool {
        self.fetches.as_ref().is_some_and(|fetches| fetches.are_pending())
    }

    pub(super) fn hear(&self, ctx: &Ctx<'js>, event: Event) -> Result<(), Failed> {
        match (event, &self.fetches, &self.settle) {
            (Event::Fetched { id, outcome }, Some(fetches), Some(settle)) => {
                Ok(fetches.settle(ctx, settle, id, outcome)?)
            }
            // Whoever is woken looks at everything anyway.
            _ => Ok(()),
        }
    }

    /// Calls the function of the first timer that is due. What it throws, nobody can catch.
    pub(super) fn fire_due(&self) -> Result<(), Failed> {
        match (self.timers.take_due(), &self.fire) {
            (Some(id), Some(fire)) => Ok(fire.call((id,))?),
            _ => Ok(()),
        }
    }
}

/// Evaluates a script of ours.
pub(super) fn evaluate<'js, T: FromJs<'js>>(ctx: &Ctx<'js>, name: &str, script: &str) -> rquickjs::Result<T> {
    let mut options = rquickjs::context::EvalOptions::default();
    options.filename = Some(format!("ratchet:{name}"));
    ctx.eval_with_options(script, options)
}

fn install_console<'js>(ctx: &Ctx<'js>, run: &Run) -> rquickjs::Result<()> {
    let console = Object::new(ctx.clone())?;
    for (name, level) in console::METHODS {
        let monitor = Arc::clone(&run.request.monitor);
        let method =
            move |ctx: Ctx<'js>, values: Rest<Value<'js>>| console::log(&ctx, &*monitor, level, &values);
        console.set(name, Func::from(method))?;
    }
    define(ctx, "console", console)
}

fn install_progress<'js>(ctx: &Ctx<'js>, run: &Run) -> rquickjs::Result<()> {
    let monitor = Arc::clone(&run.request.monitor);
    let progress = move |ctx: Ctx<'js>, percent: f64, message: Opt<Option<String>>| {
        if !(0.0..=100.0).contains(&percent) {
            let rule = format!("the percent of progress is {percent}: 0 to 100 is allowed");
            return Err(Exception::throw_range(&ctx, &rule));
        }
        monitor.progress(Progress {
            percent,
            message: message.0.flatten(),
        });
        Ok(())
    };
    define(ctx, "progress", Func::from(progress))
}

fn install_timers<'js>(ctx: &Ctx<'js>, timers: &Rc<Timers>) -> rquickjs::Result<Function<'js>> {
    let native = Object::new(ctx.clone())?;
    let (starting, cancelling) = (Rc::clone(timers), Rc::clone(timers));
    native.set(
        "start",
        Func::from(move |id: u32, milliseconds: f64| starting.start(id, milliseconds)),
    )?;
    native.set("cancel", Func::from(move |id: u32| cancelling.cancel(id)))?;
    evaluate::<Function<'js>>(ctx, "timers", TIMERS)?.call((native,))
}

fn install_fetch<'js>(ctx: &Ctx<'js>, fetches: &Rc<Fetches>) -> rquickjs::Result<Function<'js>> {
    let native = Object::new(ctx.clone())?;
    let fetches = Rc::clone(fetches);
    let start = move |ctx: Ctx<'js>, id: u32, request: Object<'js>| {
        let asked = Asked {
            method: request.get("method")?,
            url: request.get("url")?,
            headers: request.get("headers")?,
            body: request.get("body")?,
            timeout_milliseconds: request.get("timeout")?,
            follow: request.get("follow")?,
        };
        fetches.start(&ctx, id, asked)
    };
    native.set("start", Func::from(start))?;
    evaluate::<Function<'js>>(ctx, "fetch", FETCH)?.call((native,))
}

/// Sets a global as the language's own are: it can be replaced, and is not listed.
pub(super) fn define<'js>(ctx: &Ctx<'js>, name: &str, value: impl IntoJs<'js>) -> rquickjs::Result<()> {
    let value = value.into_js(ctx)?;
    ctx.globals()
        .prop(name, Property::from(value).writable().configurable())
}
