//! The whole REST API on one page.

use crate::domain::actor::Access;
use crate::http::rate_limit::Class;
use crate::http::route::Route;
use crate::operation::account::{CheckEmail, Login, Refresh, Register};
use crate::operation::admin::{SuspendUser, VerifyLedger};
use crate::operation::api_key::{CreateApiKey, ListApiKeys, RevokeApiKey};
use crate::operation::application::{ApplyForTask, ListApplications, ListMyApplications, SelectApplicant};
use crate::operation::delivery::{ListDeliveries, Redeliver, RedeliverFailed};
use crate::operation::dispute::{DisputeTask, ListDisputes, ResolveDispute};
use crate::operation::event::{ListEvents, ListTaskEvents};
use crate::operation::health::GetHealth;
use crate::operation::message::{ListMessages, SendMessage};
use crate::operation::notification::{ListNotifications, MarkNotifications};
use crate::operation::referral::ListReferrals;
use crate::operation::sandbox::advance::AdvanceClock;
use crate::operation::sandbox::arm_fault::{ArmFault, DisarmFaults, ListFaults};
use crate::operation::sandbox::clock::{FreezeClock, GetClock, RunClock};
use crate::operation::sandbox::drain::Drain;
use crate::operation::sandbox::fund::FundWallet;
use crate::operation::sandbox::human::CreateHumans;
use crate::operation::sandbox::request::ListRequests;
use crate::operation::sandbox::reset::Reset;
use crate::operation::sandbox::simulate::SimulateTask;
use crate::operation::sandbox::snapshot::{CreateSnapshot, DeleteSnapshot, ListSnapshots, RestoreSnapshot};
use crate::operation::submission::{ApproveSubmission, ListSubmissions, RejectSubmission, SubmitWork};
use crate::operation::task::{CancelTask, CreateTask, GetTask, ListTasks};
use crate::operation::wallet::{Deposit, GetWallet, ListTransactions, Withdraw};
use crate::operation::webhook::{CreateWebhook, DeleteWebhook, ListWebhooks, RotateSecret, TestWebhook, UpdateWebhook};
use crate::operation::{Manual, Read, Spec, Watch, Write};

/// Where the `OpenAPI` document of [`ROUTES`] is served, below the base path.
pub const DOCUMENT_PATH: &str = "/openapi.json";

/// What only a sandbox has is below it.
const SANDBOX: &str = "/test/";

pub static ROUTES: [Route; 62] = [
    get::<GetHealth>("/health", Class::Health),
    post_slow::<Register>("/public/auth/register", 201, Class::Register),
    post_slow::<Login>("/public/auth/login", 200, Class::Login),
    post_slow::<Refresh>("/public/auth/refresh", 200, Class::Default),
    Route::new("POST", "/public/check-email", 200, Class::Default, Spec::read::<CheckEmail>()),
    get::<ListTasks>("/tasks", Class::TaskReads),
    post::<CreateTask>("/tasks", 201, Class::TaskCreation),
    get::<GetTask>("/tasks/{taskId}", Class::TaskReads),
    post::<ApplyForTask>("/tasks/{taskId}/apply", 201, Class::Default),
    get::<ListApplications>("/tasks/{taskId}/applications", Class::TaskReads),
    post::<SelectApplicant>("/tasks/{taskId}/select", 200, Class::Default),
    post::<SubmitWork>("/tasks/{taskId}/submit", 201, Class::Default),
    get::<ListSubmissions>("/tasks/{taskId}/submissions", Class::TaskReads),
    post::<ApproveSubmission>("/tasks/{taskId}/approve", 200, Class::Default),
    post::<RejectSubmission>("/tasks/{taskId}/reject", 200, Class::Default),
    post::<DisputeTask>("/tasks/{taskId}/dispute", 201, Class::Default),
    post::<CancelTask>("/tasks/{taskId}/cancel", 200, Class::Default),
    get::<ListTaskEvents>("/tasks/{taskId}/events", Class::TaskReads),
    get::<ListMessages>("/tasks/{taskId}/messages", Class::Messages),
    post::<SendMessage>("/tasks/{taskId}/messages", 201, Class::Messages),
    get::<GetWallet>("/wallet", Class::Wallet),
    get::<ListTransactions>("/wallet/transactions", Class::Wallet),
    get::<ListMyApplications>("/my/applications", Class::TaskReads),
    get::<ListReferrals>("/my/referrals", Class::Default),
    get::<ListNotifications>("/notifications", Class::Default),
    patch::<MarkNotifications>("/notifications", Class::Default),
    watch::<ListEvents>("/events", Class::Default),
    get::<ListApiKeys>("/api-keys", Class::ApiKeys),
    post::<CreateApiKey>("/api-keys", 201, Class::ApiKeys),
    delete::<RevokeApiKey>("/api-keys/{apiKeyId}", Class::ApiKeys),
    get::<ListWebhooks>("/webhooks", Class::Webhooks),
    post::<CreateWebhook>("/webhooks", 201, Class::Webhooks),
    patch::<UpdateWebhook>("/webhooks/{webhookId}", Class::Webhooks),
    delete::<DeleteWebhook>("/webhooks/{webhookId}", Class::Webhooks),
    post::<TestWebhook>("/webhooks/{webhookId}/test", 202, Class::Webhooks),
    post::<RotateSecret>("/webhooks/{webhookId}/rotate-secret", 200, Class::Webhooks),
    get::<ListDeliveries>("/webhooks/{webhookId}/deliveries", Class::Webhooks),
    post::<RedeliverFailed>("/webhooks/{webhookId}/redeliver", 202, Class::Webhooks),
    post::<Redeliver>("/webhooks/{webhookId}/deliveries/{deliveryId}/redeliver", 202, Class::Webhooks),
    post::<Deposit>("/admin/deposits", 201, Class::Default),
    post::<Withdraw>("/admin/withdrawals", 201, Class::Default),
    get::<ListDisputes>("/admin/disputes", Class::Default),
    post::<ResolveDispute>("/admin/disputes/{disputeId}/resolve", 200, Class::Default),
    post::<SuspendUser>("/admin/users/{userId}/suspend", 200, Class::Default),
    get::<VerifyLedger>("/admin/verify", Class::Default),
    get::<GetClock>("/test/clock", Class::Default),
    post_slow::<AdvanceClock>("/test/clock/advance", 200, Class::Default),
    post_slow::<FreezeClock>("/test/clock/freeze", 200, Class::Default),
    post_slow::<RunClock>("/test/clock/run", 200, Class::Default),
    post_slow::<Drain>("/test/drain", 200, Class::Default),
    post_slow::<Reset>("/test/reset", 200, Class::Default),
    get::<ListSnapshots>("/test/snapshots", Class::Default),
    post_slow::<CreateSnapshot>("/test/snapshots", 201, Class::Default),
    post_slow::<RestoreSnapshot>("/test/snapshots/{snapshotId}/restore", 200, Class::Default),
    delete::<DeleteSnapshot>("/test/snapshots/{snapshotId}", Class::Default),
    post::<FundWallet>("/test/wallet/fund", 201, Class::Default),
    post::<CreateHumans>("/test/humans", 201, Class::Default),
    post_slow::<SimulateTask>("/test/tasks/{taskId}/simulate", 200, Class::Default),
    post::<ArmFault>("/test/faults", 201, Class::Default),
    get::<ListFaults>("/test/faults", Class::Default),
    delete::<DisarmFaults>("/test/faults", Class::Default),
    watch::<ListRequests>("/test/requests", Class::Default).untraced(),
];

/// The routes that a fault can be armed for: those of an account, though not those that arm and disarm.
pub fn faultable() -> Vec<String> {
    let faultable = ROUTES.iter().filter(|route| route.spec.access != Access::Public && !route.path.starts_with(SANDBOX));
    faultable.map(|route| format!("{} {}", route.method, route.path)).collect()
}

const fn get<O: Read>(path: &'static str, class: Class) -> Route {
    Route::new("GET", path, 200, class, Spec::read::<O>())
}

const fn watch<O: Watch>(path: &'static str, class: Class) -> Route {
    Route::new("GET", path, 200, class, Spec::watch::<O>())
}

const fn post<O: Write>(path: &'static str, status: u16, class: Class) -> Route {
    Route::new("POST", path, status, class, Spec::write::<O>())
}

const fn post_slow<O: Manual>(path: &'static str, status: u16, class: Class) -> Route {
    Route::new("POST", path, status, class, Spec::manual::<O>())
}

const fn patch<O: Write>(path: &'static str, class: Class) -> Route {
    Route::new("PATCH", path, 200, class, Spec::write::<O>())
}

const fn delete<O: Write>(path: &'static str, class: Class) -> Route {
    Route::new("DELETE", path, 200, class, Spec::write::<O>())
}
