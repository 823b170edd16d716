use ratchet_interfaces::{LogLevel, Progress};
use serde_json::json;

use crate::harness::{failure, heard, run};

#[tokio::test]
async fn console_writes_to_the_log_as_node_does() {
    let (outcome, heard) = heard(
        r#"() => {
            console.log('plain', 1, true, null, undefined, 2.5, -0, 10n, Symbol('s'));
            console.info({a: 1, 'b-c': ['x', {d: null}]}, [], {});
            console.warn(new Map([['k', 1]]), new Set([1]), () => 1, function named() {});
            console.error(new TypeError('bad'));
            console.debug(new Date(0), /x/g);
            const loop = {}; loop.self = loop; console.log(loop);
            console.log();
            console.log(Array(200).fill(7));
            console.log({a: {b: {c: {d: {e: 1}}}}});
        }"#,
    )
    .await;
    assert_eq!(outcome, Ok(json!(null)));
    let texts = heard.texts();
    assert_eq!(texts[0], "plain 1 true null undefined 2.5 -0 10n Symbol(s)");
    assert_eq!(texts[1], "{ a: 1, \"b-c\": [ 'x', { d: null } ] } [] {}");
    assert_eq!(
        texts[2],
        "Map(1) { 'k' => 1 } Set(1) { 1 } [Function (anonymous)] [Function: named]"
    );
    assert!(
        texts[3].starts_with("TypeError: bad\n") && texts[3].contains("main.js:5:"),
        "{}",
        texts[3]
    );
    assert_eq!(texts[4], "1970-01-01T00:00:00.000Z /x/g");
    assert_eq!(texts[5], "{ self: [Circular] }");
    assert_eq!(texts[6], "");
    assert!(texts[7].ends_with("… 100 more ]"), "{}", texts[7]);
    assert_eq!(texts[8], "{ a: { b: { c: { d: [Object] } } } }");
    let levels: Vec<LogLevel> = heard
        .lines
        .lock()
        .unwrap()
        .iter()
        .map(|(level, _)| *level)
        .collect();
    assert_eq!(
        levels[..5],
        [
            LogLevel::Info,
            LogLevel::Info,
            LogLevel::Warn,
            LogLevel::Error,
            LogLevel::Debug
        ]
    );
}

#[tokio::test]
async fn a_line_of_the_log_is_bounded() {
    let (outcome, heard) = heard("() => console.log('ä'.repeat(1000000), 'more')").await;
    assert_eq!(outcome, Ok(json!(null)));
    let texts = heard.texts();
    assert!(texts[0].len() < 66_000 && texts[0].ends_with('…'));
}

#[tokio::test]
async fn progress_is_told_and_bounded() {
    let (outcome, heard) = heard("() => { progress(0); progress(50.5, 'half'); progress(100, null); }").await;
    assert_eq!(outcome, Ok(json!(null)));
    let of = |percent, message: Option<&str>| Progress {
        percent,
        message: message.map(str::to_owned),
    };
    assert_eq!(
        *heard.progress.lock().unwrap(),
        [of(0.0, None), of(50.5, Some("half")), of(100.0, None)]
    );
    for percent in ["-1", "101", "NaN"] {
        let error = failure(&format!("() => progress({percent})")).await;
        assert!(error.message.contains("0 to 100 is allowed"), "{error}");
    }
}

#[tokio::test]
async fn timers_go_off_in_their_order() {
    let source = r#"async () => {
        const seen = [];
        const cancelled = setTimeout(() => seen.push('never'), 1);
        clearTimeout(cancelled);
        clearTimeout(12345);
        setTimeout((a, b) => seen.push(a + b), 2, 'la', 'te');
        setTimeout(() => seen.push('soon'));
        queueMicrotask(() => seen.push('at once'));
        let count = 0;
        await new Promise((resolve) => {
            const interval = setInterval(() => { if (++count === 3) { clearInterval(interval); resolve(); } }, 1);
        });
        await sleep(5);
        return {seen, count};
    }"#;
    assert_eq!(
        run(source).await,
        Ok(json!({"seen": ["at once", "soon", "late"], "count": 3}))
    );
    let error = failure("() => setTimeout('code', 1)").await;
    assert!(
        error.message.starts_with("TypeError: a timer calls a function"),
        "{error}"
    );
}

#[tokio::test]
async fn what_a_timer_throws_ends_the_run() {
    let error =
        failure("async () => { setTimeout(() => { throw new Error('late'); }, 1); await sleep(60000); }")
            .await;
    assert!(error.message.starts_with("Error: late\n"), "{error}");
}

#[tokio::test]
async fn a_promise_that_nothing_settles_is_an_error_and_not_a_wait() {
    for source in [
        "() => new Promise(() => {})",
        "async () => { const timer = setTimeout(() => {}, 60000); clearTimeout(timer); await new Promise(() => {}); }",
    ] {
        let error = failure(source).await;
        assert!(error.message.contains("nothing is left to settle"), "{error}");
    }
}

#[tokio::test]
async fn the_small_parts_of_the_web_are_there() {
    let source = r#"() => {
        const url = new URL('../b?x=1&y=a+b#h', 'https://me:pw@host:8080/a/c');
        url.searchParams.append('z', 'ä&');
        const params = new URLSearchParams({q: 'a b', r: '1'});
        params.set('r', '2');
        const bytes = new TextEncoder().encode('ä€😀');
        return {
            href: url.href, host: url.host, origin: url.origin, y: url.searchParams.get('y'),
            can: [URL.canParse('http://a'), URL.canParse('a')],
            params: String(params), pairs: [...params],
            bytes: Array.from(bytes), text: new TextDecoder().decode(bytes),
            base64: [btoa('hello'), atob('aGVsbG8='), btoa('\xff'), atob('/w').charCodeAt(0)],
            uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()),
        };
    }"#;
    assert_eq!(
        run(source).await,
        Ok(json!({
            "href": "https://me:pw@host:8080/b?x=1&y=a+b&z=%C3%A4%26#h",
            "host": "host:8080",
            "origin": "https://host:8080",
            "y": "a b",
            "can": [true, false],
            "params": "q=a+b&r=2",
            "pairs": [["q", "a b"], ["r", "2"]],
            "bytes": [195, 164, 226, 130, 172, 240, 159, 152, 128],
            "text": "ä€😀",
            "base64": ["aGVsbG8=", "hello", "/w==", 255],
            "uuid": true,
        }))
    );
    for source in [
        "() => new URL('nowhere')",
        "() => btoa('€')",
        "() => atob('a')",
        "() => new TextDecoder('latin1')",
    ] {
        assert!(run(source).await.is_err(), "{source}");
    }
}

#[tokio::test]
async fn there_are_no_files_processes_or_modules() {
    let source = r#"async () => {
        const found = ['require', 'process', 'module', 'std', 'os', 'Deno', 'Bun', 'Worker', 'print', 'load', 'read',
            'XMLHttpRequest', 'WebSocket', 'global', '__filename'].filter((name) => name in globalThis);
        const imports = [];
        for (const name of ['fs', './main.js', 'std', 'qjs:os', 'file:///etc/passwd']) {
            imports.push(await import(name).then(() => 'imported', () => 'refused'));
        }
        const inner = await Function('return import("os").then(() => "imported", () => "refused")')();
        return {found, imports: [...new Set(imports)], inner, evaluated: (0, eval)('typeof require')};
    }"#;
    let expected = json!({"found": [], "imports": ["refused"], "inner": "refused", "evaluated": "undefined"});
    assert_eq!(run(source).await, Ok(expected));
}
