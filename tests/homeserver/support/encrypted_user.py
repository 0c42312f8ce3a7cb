"""An account with a second, independent implementation of end-to-end encryption: matrix-nio on vodozemac."""

from collections.abc import Callable
from pathlib import Path

from nio import AsyncClient, AsyncClientConfig, LoginResponse, RoomMessage

from . import timeline
from .user import User
from .waiting import WaitTimeout

_ENCRYPTION = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}


class EncryptedUser:
    """Logs in as a device of its own with keys. Sees decrypted events only; what cannot be decrypted is counted."""

    def __init__(self, user: User, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.user = user
        # A server that is gone ends the test; the library by itself would ask for ever.
        config = AsyncClientConfig(store_sync_tokens=True, encryption_enabled=True, max_timeouts=2, request_timeout=30)
        self.client = AsyncClient(user.url, user.user_id, store_path=str(folder), config=config)
        self.events: list[tuple[str, dict]] = []
        self.unreadable: list[str] = []

    async def log_in(self) -> "EncryptedUser":
        answer = await self.client.login(self.user.password, device_name="encrypted")
        assert isinstance(answer, LoginResponse), answer
        await self.sync()
        return self

    async def close(self) -> None:
        await self.client.close()

    async def create_encrypted_direct_chat(self, other: str) -> str:
        answer = await self.client.room_create(is_direct=True, invite=[other], initial_state=[_ENCRYPTION])
        return answer.room_id

    async def say(self, room_id: str, text: str) -> str:
        return await self.send(room_id, {"msgtype": "m.text", "body": text})

    async def send(self, room_id: str, content: dict) -> str:
        """Sends an encrypted message; devices are trusted as they come, as for a contact never verified."""
        assert self.client.rooms[room_id].encrypted
        answer = await self.client.room_send(room_id, "m.room.message", content, ignore_unverified_devices=True)
        return answer.event_id

    async def sync(self, timeout_ms: int = 0) -> None:
        """One sync, and the key requests that follow from it."""
        answer = await self.client.sync(timeout=timeout_ms, full_state=self.client.next_batch is None)
        for room_id, room in answer.rooms.join.items():
            for event in room.timeline.events:
                if isinstance(event, RoomMessage):
                    self.events.append((room_id, event.source | {"decrypted": event.decrypted}))
                elif event.source.get("type") == "m.room.encrypted":
                    self.unreadable.append(event.event_id)
        if self.client.should_upload_keys:
            await self.client.keys_upload()
        if self.client.should_query_keys:
            await self.client.keys_query()
        if self.client.should_claim_keys:
            await self.client.keys_claim(self.client.get_users_for_key_claiming())
        await self.client.send_to_device_messages()

    async def wait_for(self, condition: Callable[[], object], what: str, rounds: int = 60):
        """Syncs, a second at a time, until the condition holds."""
        for _ in range(rounds):
            found = condition()
            if found:
                return found
            await self.sync(timeout_ms=1000)
        seen = [(room, event["sender"], event["content"].get("body")) for room, event in self.events]
        raise WaitTimeout(f"waited for {what}; readable: {seen}; not readable: {self.unreadable}")

    def messages(self, room_id: str, sender: str) -> list[dict]:
        """The sender's readable messages of a room."""
        events = [event for room, event in self.events if room == room_id]
        return timeline.messages_from(events, sender)

    def devices_of(self, user_id: str) -> set[str]:
        """The devices that this client would encrypt for."""
        return {device.id for device in self.client.device_store.active_user_devices(user_id)}

    async def command(self, room_id: str, text: str, bot_id: str) -> dict:
        """Says something and answers the readable event that answers it."""
        question = await self.say(room_id, text)

        def answer():
            events = self.messages(room_id, bot_id)
            return next((e for e in events if e["content"].get(timeline.ANSWERS_KEY) == question), None)

        return await self.wait_for(answer, f"an answer to {text}")
