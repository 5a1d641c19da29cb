//! Rate limits.

use crate::harness::{KeptServer, Server, register};
use serde_json::json;

fn limited(sets: &[&str]) -> (tempfile::TempDir, KeptServer) {
    let directory = tempfile::tempdir().unwrap();
    let args: Vec<_> = sets.iter().flat_map(|set| ["--set", *set]).collect();
    let server = KeptServer::start(&directory.path().join("market.db"), &args);
    (directory, server)
}

#[test]
fn the_documented_limits_are_told_and_counted_down() {
    let (_directory, server) = limited(&[]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let standing = |path: &str| {
        let answer = agent.get(path);
        let number = |name: &str| answer.header(name).unwrap().parse::<u32>().unwrap();
        (number("X-RateLimit-Limit"), number("X-RateLimit-Remaining"))
    };
    for (path, limit) in [("/tasks", 2000), ("/wallet", 500), ("/webhooks", 50), ("/api-keys", 20), ("/notifications", 1000)] {
        assert_eq!((standing(path), standing(path)), ((limit, limit - 1), (limit, limit - 2)), "{path}");
    }
}

#[test]
fn over_the_limit_nothing_is_done_and_others_go_on() {
    let (_directory, server) = limited(&["rate_limits.task_creation=2"]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let (_, other) = register(&server.anyone, "agent", "other@example.com");
    for _ in 0..2 {
        agent.post("/tasks", &Server::example()).ok(201);
    }
    for _ in 0..2 {
        let refused = agent.post("/tasks", &Server::example());
        refused.error(429, "RATE_LIMITED");
        assert!((1..=3600).contains(&refused.header("Retry-After").unwrap().parse::<u32>().unwrap()));
        assert_eq!(refused.header("X-RateLimit-Remaining"), Some("0"));
    }
    other.post("/tasks", &Server::example()).ok(201);
    assert_eq!(agent.get("/tasks?mine=true").json()["pagination"]["total"], 2);
}

#[test]
fn guesses_count_against_the_address() {
    let (_directory, server) = limited(&["rate_limits.default=5", "rate_limits.login=3"]);
    let (_, agent) = register(&server.anyone, "agent", "agent@example.com");
    let login = json!({ "email": "agent@example.com", "password": "wrong horse" });
    for _ in 0..3 {
        server.anyone.post("/public/auth/login", &login).error(401, "UNAUTHORIZED");
    }
    server.anyone.post("/public/auth/login", &login).error(429, "RATE_LIMITED");
    let guess = server.anyone.with_token("sk_test_guess");
    for _ in 0..5 {
        guess.get("/wallet").error(401, "UNAUTHORIZED");
    }
    guess.get("/wallet").error(429, "RATE_LIMITED");
    server.anyone.get("/health").ok(200);
    agent.get("/wallet").ok(200);
}

#[test]
fn a_fixture_has_limits_only_when_it_is_told_to() {
    let wallet = |server: &Server| (0..3).map(|_| server.agent.get("/wallet").status).collect::<Vec<_>>();
    let unlimited = Server::start_with(&["rate_limits.wallet=2"]);
    assert_eq!(wallet(&unlimited), [200, 200, 200]);
    let limited = Server::start_with(&["rate_limits.wallet=2", "rate_limits.enabled=true"]);
    assert_eq!(wallet(&limited), [200, 200, 429]);
    let limited = Server::start_in(&[("HUMANS2AI_RATE_LIMITS__WALLET", "2"), ("HUMANS2AI_RATE_LIMITS__ENABLED", "true")]);
    assert_eq!(wallet(&limited), [200, 200, 429]);
}
