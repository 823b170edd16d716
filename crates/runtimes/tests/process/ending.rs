use chrono::TimeDelta;
use ratchet_interfaces::{LogLevel, TaskExecutor};
use serde_json::{Value, json};

use crate::world::{World, exists, line_of, runs, shell, until};

#[tokio::test]
async fn what_a_process_leaves_behind_is_killed_and_holds_nothing_up() {
    let world = World::new();
    let pid = world.file("pid");
    // It holds the output open, and would do so for ever.
    let script =
        format!("sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' & echo $! > {pid}; echo ok");
    let run = world.runtime.execute(world.request(&shell(&script), Value::Null));
    let (output, ()) = tokio::join!(run, async {
        let pid = line_of(&pid).await;
        assert!(runs(&pid));
        let time_passes = || {
            world.clock.advance(TimeDelta::milliseconds(100));
            !runs(&pid)
        };
        until("the end of what was left behind", time_passes).await;
    });
    assert_eq!(output, Ok(json!("ok")));
    assert!(
        world
            .monitor
            .has("the process ended and left others running, which are killed")
    );
}

#[tokio::test]
async fn what_is_left_behind_may_still_print_what_it_has() {
    let world = World::new();
    let (gate, script) = (world.file("gate"), |gate: &str| {
        format!("mkfifo {gate}; (read -r line < {gate}; echo late) & echo early")
    });
    let run = world
        .runtime
        .execute(world.request(&shell(&script(&gate)), Value::Null));
    let (output, ()) = tokio::join!(run, async {
        until("the first line", || world.monitor.has("early")).await;
        let gate = gate.clone();
        let opened = tokio::task::spawn_blocking(move || std::fs::write(gate, "go\n"));
        opened.await.unwrap().unwrap();
    });
    assert_eq!(output, Ok(json!("late")));
    assert_eq!(world.monitor.of(LogLevel::Warn), [""; 0]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_process_that_left_the_group_is_let_go_and_holds_nothing_up() {
    let world = World::new();
    let pid = world.file("pid");
    let script = format!(
        "setsid sh -c 'echo $$ > {pid}; exec sleep 1000' & while [ ! -s {pid} ]; do :; done; echo ok"
    );
    let run = world.runtime.execute(world.request(&shell(&script), Value::Null));
    tokio::pin!(run);
    let output = loop {
        tokio::select! {
            biased;
            output = &mut run => break output,
            () = tokio::task::yield_now() => world.clock.advance(TimeDelta::milliseconds(1)),
        }
    };
    assert_eq!(output, Ok(json!("ok")));
    assert!(
        world
            .monitor
            .has("a process that left the process group still holds the output open")
    );
    let pid = line_of(&pid).await;
    assert!(runs(&pid));
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid])
        .status()
        .unwrap();
    assert!(killed.success());
}

#[tokio::test]
async fn a_background_process_that_holds_no_output_open_is_killed_as_well() {
    let world = World::new();
    let pid = world.file("pid");
    let script = format!("sleep 1000 > /dev/null 2>&1 < /dev/null & echo $! > {pid}; echo ok");
    assert_eq!(world.script(&script).await, Ok(json!("ok")));
    let pid = line_of(&pid).await;
    until("its end", || !runs(&pid)).await;
}

#[tokio::test]
async fn a_run_that_is_dropped_kills_its_whole_group_at_once_and_leaves_no_zombie_and_no_folder() {
    let world = World::new();
    let (pid, child, folder) = (world.file("pid"), world.file("child"), world.file("folder"));
    let script = format!(
        "trap '' TERM; dirname \"$RATCHET_INPUT_FILE\" > {folder}; \
         sh -c 'trap \"\" TERM; while :; do sleep 1000; done' & echo $! > {child}; \
         echo $$ > {pid}; while :; do sleep 1000; done"
    );
    let mut run = world.runtime.execute(world.request(&shell(&script), Value::Null));
    let (pid, child, folder) = tokio::select! {
        output = &mut run => panic!("{output:?}"),
        found = async { (line_of(&pid).await, line_of(&child).await, line_of(&folder).await) } => found,
    };
    assert!(runs(&pid) && runs(&child) && std::path::Path::new(&folder).exists());
    drop(run);
    until("the end of both", || !runs(&pid) && !runs(&child)).await;
    until("the end of the zombie", || !exists(&pid)).await;
    until("the end of the folder", || {
        !std::path::Path::new(&folder).exists()
    })
    .await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_run_leaves_neither_its_keeper_nor_a_zombie() {
    let world = World::new();
    let script = "read -r pid _ _ _ group _ < /proc/$$/stat; echo $pid $group";
    let output = world.script(script).await.unwrap();
    let numbers: Vec<&str> = output.as_str().unwrap().split_whitespace().collect();
    let [pid, keeper] = numbers[..] else {
        panic!("{output}")
    };
    assert_ne!(pid, keeper);
    for number in [pid, keeper] {
        assert!(!exists(number), "{number}");
    }
}

#[tokio::test]
async fn a_bounded_fork_bomb_is_killed_as_a_whole() {
    let world = World::new();
    let pids = world.file("pids");
    // Each starts two others, five levels deep: 63 in all.
    let script = format!(
        "bomb() {{ sh -c 'echo $PPID' >> {pids}; \
         if [ \"$1\" -gt 0 ]; then bomb $(($1 - 1)) & bomb $(($1 - 1)) & fi; \
         while :; do sleep 1000; done; }}; trap '' TERM; bomb 5"
    );
    let mut run = world.runtime.execute(world.request(&shell(&script), Value::Null));
    let listed = || std::fs::read_to_string(&pids).unwrap_or_default();
    tokio::select! {
        output = &mut run => panic!("{output:?}"),
        () = until("all of them", || listed().lines().count() == 63) => {}
    }
    drop(run);
    let still_runs = || listed().lines().any(runs);
    until("the end of all", || !still_runs()).await;
}

const OF_THE_SERVER: &str = "RATCHET_TEST_PID_FILE";

#[tokio::test]
#[ignore = "it is the server that another test starts and kills"]
async fn a_server_that_runs_until_it_is_killed() {
    let pid = std::env::var(OF_THE_SERVER).unwrap();
    let script = format!("trap '' TERM HUP; echo $$ > {pid}; while :; do sleep 1000; done");
    let output = World::new().script(&script).await;
    panic!("{output:?}");
}

#[tokio::test]
async fn the_processes_of_a_server_that_is_killed_die_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid").display().to_string();
    let name = "ending::a_server_that_runs_until_it_is_killed";
    let mut server = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored"])
        .env(OF_THE_SERVER, &pid)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = line_of(&pid).await;
    assert!(runs(&pid));
    server.kill().unwrap();
    server.wait().unwrap();
    until("the process's end", || !runs(&pid)).await;
}
