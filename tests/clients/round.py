"""The whole round with the official Python SDK (mcp 1.x or 2.x): an agent over MCP, the human's side over REST.

    python round.py URL [http | stdio]

Run it where the SDK is installed; stdio needs the binary in HUMANS2AI_BIN.
"""

import asyncio
import datetime
import json
import os
import random
import sys
import urllib.request
from contextlib import asynccontextmanager
from importlib.metadata import version

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
MODE = sys.argv[2] if len(sys.argv) > 2 else "http"
MAJOR = int(version("mcp").split(".")[0])
RUN = f"{random.randrange(10**9):09}"


def rest(path, token, body):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"{URL}/api/v1{path}", json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request) as response:
        return json.load(response)["data"]


def stdio_transport(token):
    from mcp.client.stdio import StdioServerParameters, stdio_client

    env = {"HUMANS2AI_URL": URL, **({"API_KEY": token} if token else {})}
    return stdio_client(StdioServerParameters(command=os.environ.get("HUMANS2AI_BIN", "humans2ai"), args=["mcp"], env=env))


@asynccontextmanager
async def connect(token=None):
    """A connected client, whichever SDK this is."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if MAJOR == 1:
        from mcp import ClientSession
        from mcp.client.streamable_http import streamablehttp_client

        transport = stdio_transport(token) if MODE == "stdio" else streamablehttp_client(f"{URL}/mcp", headers=headers)
        async with transport as streams, ClientSession(*streams[:2]) as session:
            await session.initialize()
            yield session
    else:
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        async with httpx2.AsyncClient(headers=headers) as http:
            transport = stdio_transport(token) if MODE == "stdio" else streamable_http_client(f"{URL}/mcp", http_client=http)
            async with Client(transport) as client:
                yield client


def field(result, camel, snake):
    return getattr(result, camel if MAJOR == 1 else snake)


async def call(client, name, **arguments):
    result = await client.call_tool(name, arguments)
    content = field(result, "structuredContent", "structured_content")
    assert json.loads(result.content[0].text) == content
    assert not field(result, "isError", "is_error"), (name, content)
    assert isinstance(content["nextAction"], str)
    return content


async def main():
    async with connect() as stranger:
        registered = await call(stranger, "register", email=f"agent-{RUN}@example.com", password="correct horse")
    human = rest(
        "/public/auth/register", None, {"email": f"human-{RUN}@example.com", "password": "correct horse", "role": "human"}
    )["idToken"]

    async with connect(registered["idToken"]) as agent:
        assert len((await agent.list_tools()).tools) == 15
        before = await call(agent, "get_wallet")
        deadline = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=30)
        task = await call(
            agent,
            "create_task",
            title="Photograph 3 coffee shops in SOMA",
            description="Take exterior and interior photos of 3 coffee shops in SOMA district.",
            category="photography",
            budget=150,
            deadline=deadline.strftime("%Y-%m-%dT%H:%M:%SZ"),
            idempotency_key=RUN,
        )
        task_id = task["id"]
        rest(f"/tasks/{task_id}/apply", human, {"message": "I live around the corner"})
        applications = await call(agent, "list_applications", taskId=task_id)
        await call(agent, "select_applicant", taskId=task_id, applicationId=applications["data"][0]["id"])
        rest(f"/tasks/{task_id}/submit", human, {"proof": "Three shops, six photos"})
        submission = await call(agent, "get_submission", taskId=task_id)
        assert submission["proof"] == "Three shops, six photos"
        approved = await call(agent, "approve_task", taskId=task_id, rating=5, idempotency_key=f"{RUN}-approve")
        assert (approved["status"], approved["payout"], approved["platformFee"]) == ("completed", 149.985, 0.015)
        after = await call(agent, "get_wallet")
        assert before["balance"] - after["balance"] == 150

        # An error is a result that the agent can read, not the end of the session.
        refused = await agent.call_tool("approve_task", {"taskId": task_id})
        assert field(refused, "isError", "is_error")
        assert field(refused, "structuredContent", "structured_content")["error"]["code"] == "STATE_CONFLICT"
        try:
            await agent.call_tool("no_such_tool", {})
            raise AssertionError("an unknown tool was called")
        except Exception as error:
            assert "no such tool" in str(error), error
        await call(agent, "get_wallet")
        protocol = getattr(agent, "protocol_version", None) or ""
    print(f"round: ok (mcp {version('mcp')}, {MODE} {protocol}): {task_id} completed, {before['balance']} -> {after['balance']} A9")


asyncio.run(main())
