"""One client: shakes hands, logs in, then a reader thread takes requests in and the connection's own runs them.

Two threads, because ATTENTION must reach a batch that is running.
"""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.results import Instance, Message, Session
from include.standins.sqlserver.wire import tokens
from include.standins.sqlserver.wire.answer import Answer
from include.standins.sqlserver.wire.byte_reader import ProtocolError
from include.standins.sqlserver.wire.channel import Channel, ConnectionEndedError
from include.standins.sqlserver.wire.execution import Execution
from include.standins.sqlserver.wire.login7 import LoginRequest, read_login7
from include.standins.sqlserver.wire.packets import (
    DEFAULT_PACKET_SIZE,
    LOGIN_LIMIT_BYTES,
    REQUEST_LIMIT_BYTES,
    MessageWriter,
    PacketReader,
    PacketType,
    Request,
    read_request,
)
from include.standins.sqlserver.wire.prelogin import (
    Encryption,
    agreed_encryption,
    prelogin_answer,
    requested_encryption,
)
from include.standins.sqlserver.wire.tls import TlsLayer
from include.standins.sqlserver.wire.tokens import Change
from include.standins.sqlserver.wire.turns import Turns

if TYPE_CHECKING:
    import ssl

_LARGEST_BACKLOG = 2  # a client without MARS asks one thing at a time
_GOODBYE_SECONDS = 1.0
_KILL_GRACE_SECONDS = 2.0  # for the 596 to reach a client that reads
_LANGUAGE = "us_english"
_logger = logging.getLogger(__name__)


class Connection:
    """A client from its first byte to its last. `run` is the connection's thread.

    :param is_refused: whether the server is full: the login is answered with 17809.
    """

    def __init__(self, channel: Channel, instance: Instance, tls: ssl.SSLContext, *, is_refused: bool = False) -> None:
        self._channel = channel
        self._instance = instance
        self._tls = tls
        self._is_refused = is_refused
        self._packets = PacketReader(channel.receive)
        self._writer = MessageWriter(channel.send)
        self._turns = Turns()
        self._inbox: SimpleQueue[Request | None] = SimpleQueue()
        self._session: Session | None = None
        self._kill_timer: threading.Timer | None = None

    def run(self) -> None:
        """Serve the client until it leaves, is thrown out, or sends what is no TDS."""
        try:
            session = self._log_in()
            if session is not None:
                self._serve(session)
        except (ConnectionEndedError, ProtocolError) as error:
            _logger.debug("A connection ended: %s.", error)
            self._channel.abort()
        except Exception:
            _logger.exception("A connection failed inside the local SQL Server.")
        finally:
            self._end()

    def disconnect(self) -> None:
        """Throw the client out, from any thread: at once when it is idle, else after its answer had time to go out."""
        if not self._turns.is_busy:
            self._channel.abort()
            return
        self._kill_timer = threading.Timer(_KILL_GRACE_SECONDS, self._channel.abort)
        self._kill_timer.daemon = True
        self._kill_timer.start()

    def stop(self) -> None:
        """End the client's connection, from any thread; its reader then stops what runs for it."""
        self._channel.abort()

    def _log_in(self) -> Session | None:
        encryption = self._agree_on_encryption()
        request = read_request(self._packets, limit=LOGIN_LIMIT_BYTES)
        if request.type is not PacketType.LOGIN7:
            raise ProtocolError(f"{request.type.name} came instead of LOGIN7")
        if encryption is Encryption.LOGIN_ONLY:
            self._channel.use_tls(None)
        answer = Answer(self._writer, server=self._instance.name, session=None, stopped=self._turns.stopped)
        try:
            login = read_login7(request.body)
            session = self._open_session(login)
        except SqlError as error:
            answer.fail(error)
            answer.finish(attention=False)
            return None
        self._writer.spid = session.spid & 0xFFFF
        self._welcome(answer, login, session)
        answer.finish(attention=False)
        self._writer.packet_size = login.packet_size
        self._channel.logged_in()
        return session

    def _open_session(self, login: LoginRequest) -> Session:
        if self._is_refused:
            raise SqlError(
                17809,
                "Could not connect because the maximum number of user connections has already been reached.",
                severity=20,
            )
        self._session = self._instance.login(login.login, disconnect=self.disconnect)
        return self._session

    def _agree_on_encryption(self) -> Encryption:
        request = read_request(self._packets, limit=LOGIN_LIMIT_BYTES)
        if request.type is not PacketType.PRELOGIN:
            raise ProtocolError(f"{request.type.name} came instead of PRELOGIN")
        encryption = agreed_encryption(requested_encryption(request.body))
        self._writer.write(prelogin_answer(encryption))
        self._writer.finish()
        if encryption is not Encryption.NONE:
            self._shake_hands()
        return encryption

    def _shake_hands(self) -> None:
        layer = TlsLayer(self._tls)
        self._writer.packet_type = PacketType.PRELOGIN
        layer.handshake(receive=self._handshake_records, send=self._send_handshake)
        self._writer.packet_type = PacketType.TABULAR_RESULT
        rest = self._packets.take_rest()
        self._channel.use_tls(layer)
        if rest:
            self._packets.put_back(layer.decrypt(rest))

    def _handshake_records(self) -> bytes:
        packet = self._packets.packet()
        if packet.type is not PacketType.PRELOGIN:
            raise ProtocolError(f"{packet.type.name} came in the middle of the TLS handshake")
        return packet.payload

    def _send_handshake(self, records: bytes) -> None:
        self._writer.write(records)
        self._writer.finish()

    def _welcome(self, answer: Answer, login: LoginRequest, session: Session) -> None:
        """Answer a good login: where the client is, in which language, who the server says to be."""
        name = self._instance.name
        changed_database = Message(5701, f"Changed database context to '{session.database}'.", state=2)
        changed_language = Message(5703, f"Changed language setting to {_LANGUAGE}.")
        answer.write(tokens.text_change(Change.DATABASE, new=session.database, old="master"))
        answer.write(tokens.info_token(changed_database, server=name))
        answer.write(tokens.collation_change())
        answer.write(tokens.text_change(Change.LANGUAGE, new=_LANGUAGE, old=""))
        answer.write(tokens.info_token(changed_language, server=name))
        answer.write(tokens.login_acknowledged(login.tds_version))
        sizes = {"new": str(login.packet_size), "old": str(DEFAULT_PACKET_SIZE)}
        answer.write(tokens.text_change(Change.PACKET_SIZE, **sizes))
        if login.has_features:
            answer.write(tokens.no_features())

    def _serve(self, session: Session) -> None:
        reader = threading.Thread(target=self._read, args=(session,), name=f"tds-reader-{session.spid}", daemon=True)
        reader.start()
        execution = Execution(session)
        try:
            while (request := self._inbox.get()) is not None:
                if not self._answer(execution, request, session):
                    break
            self._channel.say_goodbye()
        finally:
            self._turns.give_up()
            reader.join(_GOODBYE_SECONDS)

    def _answer(self, execution: Execution, request: Request, session: Session) -> bool:
        """Answer one request; False when the connection must end after it."""
        answer = Answer(self._writer, server=self._instance.name, session=session, stopped=self._turns.stopped)
        if request.type is PacketType.ATTENTION:
            answer.finish(attention=True)
            return True
        if not self._turns.stopped():
            execution.run(request, answer)
        answer.finish(attention=self._turns.end_request())
        return not answer.is_fatal

    def _read(self, session: Session) -> None:
        """Take requests in; the reader's thread."""
        try:
            while True:
                request = read_request(self._packets, limit=REQUEST_LIMIT_BYTES)
                if request.type is PacketType.ATTENTION:
                    if not self._turns.note_attention(session.cancel):
                        self._inbox.put(request)
                    continue
                self._put(request)
        except (ConnectionEndedError, ProtocolError) as error:
            _logger.debug("Connection %d ended: %s.", session.spid, error)
            if isinstance(error, ProtocolError):
                self._channel.abort()
        finally:
            self._turns.note_closed(session.cancel)
            self._inbox.put(None)

    def _put(self, request: Request) -> None:
        if self._inbox.qsize() >= _LARGEST_BACKLOG:
            raise ProtocolError("the client asks more before it has its answer; MARS is not modelled")
        self._turns.note_request()
        self._inbox.put(request)

    def _end(self) -> None:
        if self._kill_timer is not None:
            self._kill_timer.cancel()
        if self._session is not None:
            self._session.close()
        self._channel.say_goodbye()
        self._channel.drain(seconds=_GOODBYE_SECONDS)
        self._channel.close()
