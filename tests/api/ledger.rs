//! Random operations against a model that is a few lines long.

use crate::harness::Server;
use serde_json::json;

/// A small generator (xorshift), so that a seed tells the whole story.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }
}

/// What the money should be, in micro-units.
#[derive(Debug, Default, PartialEq, Eq)]
struct Model {
    agent: i64,
    frozen: i64,
    human: i64,
    platform: i64,
}

fn micros(number: &serde_json::Value) -> i64 {
    let text = number.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole: i64 = whole.parse().unwrap();
    whole * 1_000_000 + format!("{fraction:0<6}").parse::<i64>().unwrap()
}

fn actual(server: &Server) -> Model {
    let (agent, human) = (server.agent.get("/wallet").ok(200), server.human.get("/wallet").ok(200));
    let sql = "SELECT balance FROM account WHERE kind = 'platform' AND livemode = 0";
    let platform = server.open_database().query_row(sql, [], |row| row.get(0)).unwrap();
    Model { agent: micros(&agent["balance"]), frozen: micros(&agent["frozenBalance"]), human: micros(&human["balance"]), platform }
}

#[test]
fn any_sequence_of_operations_moves_the_money_as_the_model_says() {
    let seed = std::env::var("LEDGER_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5eed_2026);
    let server = Server::start();
    let mut random = Random(seed);
    let mut model = Model { agent: 10_000_000_000, human: 10_000_000_000, ..Model::default() };
    for step in 0..60 {
        let cents = i32::try_from(1 + random.below(40_000)).unwrap();
        let budget = i64::from(cents) * 10_000;
        let body = Server::example_with(&json!({ "budget": f64::from(cents) / 100.0 }));
        let created = server.agent.post("/tasks", &body);
        if budget > model.agent {
            created.error(400, "INSUFFICIENT_BALANCE");
            continue;
        }
        let task = created.ok(201)["id"].as_str().unwrap().to_owned();
        model.agent -= budget;
        model.frozen += budget;
        let percent = i64::try_from(1 + random.below(99)).unwrap();
        let share = finish(&server, &task, random.below(6), percent);
        if let Some(percent) = share {
            let share = budget * percent / 100;
            let fee = share / 10_000;
            model.frozen -= budget;
            model.human += share - fee;
            model.platform += fee;
            model.agent += budget - share;
        }
        assert_eq!(actual(&server), model, "step {step} of LEDGER_SEED={seed}");
    }
    assert_eq!(server.operator.get("/admin/verify").ok(200)["problems"], json!([]));
}

/// Brings the task to one of six ends; the human's per cent of the budget, or `None` while it is still held.
fn finish(server: &Server, task: &str, end: usize, percent: i64) -> Option<i64> {
    if end == 0 {
        server.act(&server.agent, task, "cancel").ok(200);
        return Some(0);
    }
    server.act(&server.human, task, "apply").ok(201);
    server.act(&server.agent, task, "select").ok(200);
    server.act(&server.human, task, "submit").ok(201);
    match end {
        1 => {
            server.act(&server.agent, task, "approve").ok(200);
            Some(100)
        }
        2 => None,
        _ => {
            server.act(&server.agent, task, "reject").ok(200);
            let dispute = server.act(&server.human, task, "dispute").ok(201)["id"].as_str().unwrap().to_owned();
            let (body, share) = match end {
                3 => (json!({ "outcome": "release" }), 100),
                4 => (json!({ "outcome": "refund" }), 0),
                _ => (json!({ "outcome": "split", "humanPercent": percent }), percent),
            };
            server.operator.post(&format!("/admin/disputes/{dispute}/resolve"), &body).ok(200);
            Some(share)
        }
    }
}
