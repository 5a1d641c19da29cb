// The whole round with the official TypeScript SDK (@modelcontextprotocol/sdk 1.x or @modelcontextprotocol/client 2.x):
// an agent over MCP, the human's side over REST.
//
//   node round.mjs URL [1 | legacy | auto | 2026-07-28 | stdio]
//
// Run it where the SDK is installed; stdio needs the binary in HUMANS2AI_BIN.

import assert from 'node:assert/strict';

const [url = 'http://127.0.0.1:8080', mode = '1'] = process.argv.slice(2);
const run = Math.random().toString(36).slice(2);

async function rest(method, path, token, body) {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(`${url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  assert.ok(answer.success, JSON.stringify(answer));
  return answer.data;
}

/** A connected client, with the SDK and the protocol era that `mode` names. */
async function connect(token) {
  const info = { name: 'round', version: '1.0.0' };
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const target = new URL(`${url}/mcp`);
  let client, transport;
  if (mode === '1' || mode === 'stdio') {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    client = new Client(info);
    if (mode === 'stdio') {
      const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
      const env = { HUMANS2AI_URL: url, ...(token && { API_KEY: token }) };
      transport = new StdioClientTransport({ command: process.env.HUMANS2AI_BIN ?? 'humans2ai', args: ['mcp'], env });
    } else {
      const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
      transport = new StreamableHTTPClientTransport(target, { requestInit: { headers } });
    }
  } else {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
    const negotiation = mode.startsWith('20') ? { pin: mode } : mode;
    client = new Client(info, { versionNegotiation: { mode: negotiation } });
    transport = new StreamableHTTPClientTransport(target, { requestInit: { headers } });
  }
  await client.connect(transport);
  // The client checks every result against the output schemas that are listed here.
  const { tools } = await client.listTools();
  assert.equal(tools.length, 15);
  return client;
}

async function call(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  const content = result.structuredContent;
  assert.deepEqual(JSON.parse(result.content[0].text), content);
  assert.ok(!result.isError, `${name}: ${JSON.stringify(content)}`);
  assert.equal(typeof content.nextAction, 'string');
  return content;
}

const stranger = await connect();
const registered = await call(stranger, 'register', { email: `agent-${run}@example.com`, password: 'correct horse' });
await stranger.close();
const human = await rest('POST', '/public/auth/register', null,
  { email: `human-${run}@example.com`, password: 'correct horse', role: 'human' });

const agent = await connect(registered.idToken);
const before = await call(agent, 'get_wallet');
const task = await call(agent, 'create_task', {
  title: 'Photograph 3 coffee shops in SOMA',
  description: 'Take exterior and interior photos of 3 coffee shops in SOMA district.',
  category: 'photography',
  budget: 150,
  deadline: new Date(Date.now() + 30 * 86_400_000).toISOString(),
  metadata: { from: 'round.mjs' },
  idempotency_key: run,
});
await rest('POST', `/tasks/${task.id}/apply`, human.idToken, { message: 'I live around the corner' });
const { data: [application] } = await call(agent, 'list_applications', { taskId: task.id });
await call(agent, 'select_applicant', { taskId: task.id, applicationId: application.id });
await rest('POST', `/tasks/${task.id}/submit`, human.idToken, { proof: 'Three shops, six photos' });
const submission = await call(agent, 'get_submission', { taskId: task.id });
assert.equal(submission.proof, 'Three shops, six photos');
const approved = await call(agent, 'approve_task', { taskId: task.id, rating: 5, idempotency_key: `${run}-approve` });
assert.deepEqual([approved.status, approved.payout, approved.platformFee], ['completed', 149.985, 0.015]);
const after = await call(agent, 'get_wallet');
assert.equal(before.balance - after.balance, 150);

// An error is a result that the agent can read, not the end of the session.
const refused = await agent.callTool({ name: 'approve_task', arguments: { taskId: task.id } });
assert.ok(refused.isError);
assert.equal(refused.structuredContent.error.code, 'STATE_CONFLICT');
await assert.rejects(agent.callTool({ name: 'no_such_tool', arguments: {} }), /no such tool/);
await call(agent, 'get_wallet');
const protocol = agent.getNegotiatedProtocolVersion?.() ?? agent.transport?.protocolVersion ?? '';
await agent.close();
console.log(`round: ok (${mode}${protocol && `, protocol ${protocol}`}): ${task.id} completed, ${before.balance} -> ${after.balance} A9`);
