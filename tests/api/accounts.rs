//! /public/*

use crate::harness::Server;
use serde_json::{Value, json};

#[test]
fn registering_answers_with_the_account_and_its_tokens() {
    let server = Server::start();
    let body = json!({ "email": " Bo@Example.com ", "password": "correct horse", "displayName": "PhotoBot" });
    let data = server.anyone.post("/public/auth/register", &body).ok(201);
    assert_eq!((&data["email"], &data["role"], &data["displayName"]), (&json!("bo@example.com"), &json!("agent"), &json!("PhotoBot")));
    assert_eq!(data["expiresIn"], "3600");
    for name in ["userId", "referralCode", "idToken", "refreshToken"] {
        assert!(data[name].is_string(), "{name} in {data}");
    }
    let claims = claims(data["idToken"].as_str().unwrap());
    assert_eq!((&claims["sub"], &claims["user_id"]), (&data["userId"], &data["userId"]));
    assert_eq!(claims["firebase"]["sign_in_provider"], "password");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
}

fn claims(token: &str) -> Value {
    use std::process::Command;
    let payload = token.split('.').nth(1).unwrap();
    let padded = format!("{payload}{}", "=".repeat((4 - payload.len() % 4) % 4)).replace('-', "+").replace('_', "/");
    let output = Command::new("sh").arg("-c").arg(format!("printf %s '{padded}' | base64 -d")).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn an_email_is_one_account_whatever_its_case() {
    let server = Server::start();
    server.register("agent", "bo@example.com");
    let again = json!({ "email": "BO@example.com", "password": "correct horse" });
    server.anyone.post("/public/auth/register", &again).error(409, "EMAIL_TAKEN");
    let check = |email: &str| server.anyone.post("/public/check-email", &json!({ "email": email })).ok(200)["exists"].clone();
    assert_eq!((check("Bo@Example.com"), check("al@example.com")), (json!(true), json!(false)));
}

#[test]
fn a_wrong_password_and_an_unknown_email_get_the_same_answer() {
    let server = Server::start();
    let login = |email: &str| server.anyone.post("/public/auth/login", &json!({ "email": email, "password": "wrong horse" }));
    let known = login("agent@example.com").error(401, "UNAUTHORIZED");
    assert_eq!(login("nobody@example.com").error(401, "UNAUTHORIZED"), known);
}

#[test]
fn logging_in_has_firebases_fields() {
    let server = Server::start();
    let body = json!({ "email": "agent@example.com", "password": server.ready["agent"]["password"] });
    let data = server.anyone.post("/public/auth/login", &body).ok(200);
    assert_eq!((&data["userId"], &data["localId"], &data["role"]), (&json!(server.agent_id), &json!(server.agent_id), &json!("agent")));
    assert_eq!(data["expiresIn"], "3600");
}

#[test]
fn a_refresh_token_works_once_and_its_second_use_ends_the_family() {
    let server = Server::start();
    let refresh = |token: &Value| server.anyone.post("/public/auth/refresh", &json!({ "refreshToken": token }));
    let body = json!({ "email": "bo@example.com", "password": "correct horse" });
    let first = server.anyone.post("/public/auth/register", &body).ok(201)["refreshToken"].clone();
    let second = refresh(&first).ok(200);
    server.anyone.with_token(second["idToken"].as_str().unwrap()).get("/wallet").ok(200);
    let third = refresh(&second["refreshToken"]).ok(200)["refreshToken"].clone();
    refresh(&second["refreshToken"]).error(401, "UNAUTHORIZED");
    refresh(&third).error(401, "UNAUTHORIZED");
    refresh(&json!("never made")).error(401, "UNAUTHORIZED");
}

#[test]
fn a_forged_token_is_refused() {
    let server = Server::start();
    let forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyXzEifQ.";
    for token in [forged, "sk_test_unknown", "x", "a.b.c", "a.b"] {
        let answer = server.anyone.with_token(token).get("/wallet");
        answer.error(401, "UNAUTHORIZED");
        assert_eq!(answer.header("WWW-Authenticate"), Some("Bearer"));
    }
}

#[test]
fn bad_registrations_name_their_field() {
    let server = Server::start();
    let good = json!({ "email": "bo@example.com", "password": "correct horse" });
    for (field, value) in [
        ("email", json!("no address")),
        ("email", json!(7)),
        ("password", json!("short")),
        ("password", json!("x".repeat(129))),
        ("role", json!("admin")),
        ("displayName", json!("x".repeat(81))),
        ("referralCode", json!("unknown")),
        ("skills", json!("photo")),
        ("skills", json!(vec!["a"; 21])),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let message = server.anyone.post("/public/auth/register", &body).error(400, "VALIDATION_ERROR");
        assert!(message.starts_with(field), "{field}: {message}");
    }
    server.anyone.post("/public/auth/register", &good).ok(201);
}

#[test]
fn nothing_secret_is_stored_in_clear() {
    let server = Server::start();
    let body = json!({ "email": "bo@example.com", "password": "correct horse" });
    let data = server.anyone.post("/public/auth/register", &body).ok(201);
    let mut file = std::fs::read(&server.database).unwrap();
    file.extend(std::fs::read(format!("{}-wal", server.database.display())).unwrap());
    let key = server.ready["agent"]["apiKey"].as_str().unwrap();
    for secret in ["correct horse", key, data["refreshToken"].as_str().unwrap(), data["idToken"].as_str().unwrap()] {
        assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
}
