/* hns_standin.dll: the wire and the memory of the stand-in DLLs, once per process.
 *
 * A call takes an idle connection or opens one, so that threads do not wait for each other. Texts come from
 * CoTaskMemAlloc; an IMallocSpy sees whether they are freed, once and by CoTaskMemFree.
 */
#define COBJMACROS
#define CINTERFACE
#include <winsock2.h>
#include "standin.h"
#include <objbase.h>
#include <objidl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const HRESULT SERVICE_NOT_THERE = (HRESULT)0x800706BA; /* RPC_S_SERVER_UNAVAILABLE */
static const HRESULT SERVICE_WENT_AWAY = (HRESULT)0x800706BE; /* RPC_S_CALL_FAILED */
static const UINT KILLED = 137;

enum { ANSWER = 0, END_YOURSELF = 1, NULL_TEXT = 0xFFFFFFFF };

static CRITICAL_SECTION lock;
static INIT_ONCE once = INIT_ONCE_STATIC_INIT;

/* Bytes that go out or came in. */
struct bytes {
    uint8_t *data;
    size_t size;
};

static void put(struct bytes *to, const void *data, size_t size)
{
    to->data = realloc(to->data, to->size + size);
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void put_u32(struct bytes *to, uint32_t number)
{
    put(to, &number, sizeof number);
}

static void put_text(struct bytes *to, PCWSTR text)
{
    put_u32(to, text ? (uint32_t)wcslen(text) : NULL_TEXT);
    if (text)
        put(to, text, wcslen(text) * sizeof(wchar_t));
}

static void put_name(struct bytes *to, const char *name)
{
    put_u32(to, (uint32_t)strlen(name));
    for (; *name; name++)
        put(to, (wchar_t[]){(unsigned char)*name}, sizeof(wchar_t));
}

/* ---- Connections ---- */

struct connection {
    SOCKET socket;
    BOOL lost; /* nothing comes through any more: the service itself can answer SERVICE_WENT_AWAY over a sound one */
    struct connection *next;
};

static struct connection *idle;
static uint64_t process_number;

static void hang_up(struct connection *connection)
{
    closesocket(connection->socket);
    free(connection);
}

static BOOL send_message(struct connection *to, const struct bytes *body)
{
    struct bytes whole = {0};
    size_t sent = 0;
    put_u32(&whole, (uint32_t)body->size);
    put(&whole, body->data, body->size);
    while (sent < whole.size) {
        int count = send(to->socket, (char *)whole.data + sent, (int)(whole.size - sent), 0);
        if (count <= 0)
            break;
        sent += count;
    }
    free(whole.data);
    return sent == whole.size;
}

static BOOL receive(struct connection *from, void *data, size_t size)
{
    for (char *at = data; size;) {
        int count = recv(from->socket, at, (int)size, 0);
        if (count <= 0)
            return FALSE;
        at += count;
        size -= count;
    }
    return TRUE;
}

static BOOL receive_message(struct connection *from, struct bytes *body)
{
    uint32_t size;
    if (!receive(from, &size, sizeof size))
        return FALSE;
    *body = (struct bytes){malloc(size), size};
    return receive(from, body->data, size);
}

/* reply := u32 order, u32 hresult, u64 handle, u64 streams[3], text answer, text record */
struct reply {
    struct bytes body;
    uint32_t order;
    HRESULT hresult;
    uint64_t handle;
    uint64_t streams[STREAMS];
    const uint8_t *texts;
};

static HRESULT exchange(struct connection *with, const struct bytes *request, struct reply *reply)
{
    memset(reply, 0, sizeof *reply);
    if (!send_message(with, request) || !receive_message(with, &reply->body) || reply->body.size < 48) {
        with->lost = TRUE;
        return SERVICE_WENT_AWAY;
    }
    memcpy(&reply->order, reply->body.data, 4);
    memcpy(&reply->hresult, reply->body.data + 4, 4);
    memcpy(&reply->handle, reply->body.data + 8, 8);
    memcpy(reply->streams, reply->body.data + 16, sizeof reply->streams);
    reply->texts = reply->body.data + 40;
    if (reply->order == END_YOURSELF)
        TerminateProcess(GetCurrentProcess(), KILLED);
    return reply->hresult;
}

static BOOL join(struct connection *connection)
{
    struct bytes request = {0};
    struct reply reply;
    wchar_t pid[16];
    BOOL joined;
    EnterCriticalSection(&lock); /* the first connection brings the number that the others name */
    swprintf(pid, 16, L"%lu", GetCurrentProcessId());
    put(&request, &process_number, sizeof process_number);
    put_name(&request, "Join");
    put_text(&request, pid);
    joined = exchange(connection, &request, &reply) == S_OK;
    if (joined)
        process_number = reply.handle;
    LeaveCriticalSection(&lock);
    free(request.data);
    free(reply.body.data);
    return joined;
}

static BOOL CALLBACK start_winsock(INIT_ONCE *unused, void *parameter, void **context)
{
    WSADATA data;
    (void)unused, (void)parameter, (void)context;
    return WSAStartup(MAKEWORD(2, 2), &data) == 0;
}

static unsigned short server_port(void)
{
    static const char loopback[] = "127.0.0.1:";
    char address[64];
    DWORD size = GetEnvironmentVariableA("CNI_HNS_STANDIN", address, sizeof address);
    if (size == 0 || size >= sizeof address || strncmp(address, loopback, sizeof loopback - 1) != 0)
        return 0;
    return (unsigned short)strtoul(address + sizeof loopback - 1, NULL, 10);
}

static struct connection *open_connection(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(server_port())};
    struct connection *made;
    BOOL at_once = TRUE;
    if (address.sin_port == 0 || !InitOnceExecuteOnce(&once, start_winsock, NULL, NULL))
        return NULL;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    made = calloc(1, sizeof *made);
    made->socket = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(made->socket, IPPROTO_TCP, TCP_NODELAY, (char *)&at_once, sizeof at_once);
    if (connect(made->socket, (struct sockaddr *)&address, sizeof address) == 0 && join(made))
        return made;
    hang_up(made);
    return NULL;
}

static struct connection *take_connection(void)
{
    struct connection *found;
    EnterCriticalSection(&lock);
    found = idle;
    if (found)
        idle = found->next;
    LeaveCriticalSection(&lock);
    return found ? found : open_connection();
}

static void give_back(struct connection *connection)
{
    EnterCriticalSection(&lock);
    connection->next = idle;
    idle = connection;
    LeaveCriticalSection(&lock);
}

/* A request without texts out. */
static HRESULT tell(const struct bytes *request)
{
    struct connection *connection = take_connection();
    struct reply reply;
    HRESULT result;
    if (!connection)
        return SERVICE_NOT_THERE;
    result = exchange(connection, request, &reply);
    free(reply.body.data);
    if (connection->lost)
        hang_up(connection);
    else
        give_back(connection);
    return result;
}

/* ---- Memory that the caller must free ---- */

struct buffer {
    void *memory;
    size_t size;
    const char *function;
    BOOL is_record;
    struct buffer *next;
};

enum { REMEMBERED = 256 };
static struct buffer *buffers;
static void *freed[REMEMBERED];
static unsigned freed_count;

static void forget_freed(void *memory)
{
    for (int i = 0; i < REMEMBERED; i++)
        if (freed[i] == memory)
            freed[i] = NULL;
}

static void report(const wchar_t *text)
{
    struct bytes request = {0};
    put(&request, (uint64_t[]){0}, 8);
    put_name(&request, "Violation");
    put_text(&request, text);
    tell(&request);
    free(request.data);
}

/* What is freed is filled, so that reading it gives nonsense at once instead of luck. */
static BOOL take_out(void *memory)
{
    for (struct buffer **at = &buffers; *at; at = &(*at)->next) {
        struct buffer *found = *at;
        if (found->memory != memory)
            continue;
        memset(memory, 0xDD, found->size);
        *at = found->next;
        free(found);
        freed[freed_count++ % REMEMBERED] = memory;
        return TRUE;
    }
    return FALSE;
}

static void *STDMETHODCALLTYPE pre_free(IMallocSpy *spy, void *memory, BOOL spied)
{
    BOOL again = FALSE;
    (void)spy, (void)spied;
    if (!memory)
        return memory;
    EnterCriticalSection(&lock);
    if (!take_out(memory))
        for (int i = 0; i < REMEMBERED; i++)
            again |= freed[i] == memory;
    LeaveCriticalSection(&lock);
    if (!again)
        return memory;
    report(L"CoTaskMemFree: a buffer that is freed");
    return NULL; /* the memory is somebody else's by now */
}

static void *STDMETHODCALLTYPE post_alloc(IMallocSpy *spy, void *memory)
{
    (void)spy;
    EnterCriticalSection(&lock);
    forget_freed(memory);
    LeaveCriticalSection(&lock);
    return memory;
}

static HRESULT STDMETHODCALLTYPE query_interface(IMallocSpy *spy, REFIID iid, void **out)
{
    *out = IsEqualGUID(iid, &IID_IUnknown) || IsEqualGUID(iid, &IID_IMallocSpy) ? spy : NULL;
    return *out ? S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE no_count(IMallocSpy *spy) { (void)spy; return 1; }
static SIZE_T STDMETHODCALLTYPE pre_alloc(IMallocSpy *spy, SIZE_T size) { (void)spy; return size; }
static void STDMETHODCALLTYPE post_free(IMallocSpy *spy, BOOL spied) { (void)spy, (void)spied; }
static void STDMETHODCALLTYPE nothing(IMallocSpy *spy) { (void)spy; }

static SIZE_T STDMETHODCALLTYPE pre_realloc(IMallocSpy *spy, void *memory, SIZE_T size, void **passed, BOOL spied)
{
    (void)spy, (void)spied;
    *passed = memory;
    return size;
}

static void *STDMETHODCALLTYPE same_memory(IMallocSpy *spy, void *memory, BOOL spied)
{
    (void)spy, (void)spied;
    return memory;
}

static SIZE_T STDMETHODCALLTYPE same_size(IMallocSpy *spy, SIZE_T size, BOOL spied)
{
    (void)spy, (void)spied;
    return size;
}

static int STDMETHODCALLTYPE same_answer(IMallocSpy *spy, void *memory, BOOL spied, int actual)
{
    (void)spy, (void)memory, (void)spied;
    return actual;
}

static IMallocSpyVtbl methods = {
    query_interface, no_count,    no_count,  pre_alloc,   post_alloc,  pre_free, post_free, pre_realloc,
    same_memory,     same_memory, same_size, same_memory, same_answer, nothing,  nothing,
};
static IMallocSpy spy = {&methods};

static BOOL CALLBACK start_spying(INIT_ONCE *unused, void *parameter, void **context)
{
    (void)unused, (void)parameter, (void)context;
    if (CoRegisterMallocSpy(&spy) != S_OK)
        report(L"CoRegisterMallocSpy failed: nobody sees whether buffers are freed");
    return TRUE;
}

/* Read the text at `*at` into memory of the caller's, or NULL. */
static void read_text(const uint8_t **at, PWSTR *out, const char *function, BOOL is_record)
{
    static INIT_ONCE spying = INIT_ONCE_STATIC_INIT;
    struct buffer *buffer;
    uint32_t units;
    memcpy(&units, *at, 4);
    *at += 4;
    if (units == NULL_TEXT)
        return;
    if (out) {
        size_t size = (size_t)units * sizeof(wchar_t);
        InitOnceExecuteOnce(&spying, start_spying, NULL, NULL);
        *out = CoTaskMemAlloc(size + sizeof(wchar_t));
        memcpy(*out, *at, size);
        (*out)[units] = 0;
        buffer = malloc(sizeof *buffer);
        EnterCriticalSection(&lock);
        *buffer = (struct buffer){*out, size + sizeof(wchar_t), function, is_record, buffers};
        buffers = buffer;
        LeaveCriticalSection(&lock);
    }
    *at += (size_t)units * sizeof(wchar_t);
}

/* ---- Calls ---- */

static HRESULT call_over(struct connection *connection, const struct call *call)
{
    struct bytes request = {0};
    struct reply reply;
    HRESULT result;
    put(&request, &call->handle, sizeof call->handle);
    put_name(&request, call->function);
    for (int i = 0; i < call->count; i++)
        put_text(&request, call->texts[i]);
    result = exchange(connection, &request, &reply);
    free(request.data);
    if (reply.texts) {
        const uint8_t *at = reply.texts;
        if (call->opened) /* 0 of what was refused */
            *call->opened = (void *)(uintptr_t)reply.handle;
        if (call->streams)
            memcpy(call->streams, reply.streams, sizeof reply.streams);
        read_text(&at, call->answer, call->function, FALSE);
        read_text(&at, call->record, call->function, TRUE);
    }
    free(reply.body.data);
    return result;
}

HRESULT standin_call(const struct call *call)
{
    struct connection *connection = take_connection();
    HRESULT result;
    if (!connection)
        return SERVICE_NOT_THERE;
    result = call_over(connection, call);
    if (connection->lost)
        hang_up(connection);
    else
        give_back(connection);
    return result;
}

PCWSTR standin_guid(const GUID *guid, wchar_t text[GUID_UNITS])
{
    static const GUID zero;
    const GUID *g = guid ? guid : &zero;
    swprintf(text, GUID_UNITS, L"%08lx-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", g->Data1, g->Data2, g->Data3,
             g->Data4[0], g->Data4[1], g->Data4[2], g->Data4[3], g->Data4[4], g->Data4[5], g->Data4[6], g->Data4[7]);
    return text;
}

PCWSTR standin_number(uint64_t number, wchar_t text[NUMBER_UNITS])
{
    swprintf(text, NUMBER_UNITS, L"%llu", (unsigned long long)number);
    return text;
}

/* ---- Notifications ---- */

struct listener {
    void *handle;
    TELL tell;
    void *callback;
    void *context;
    HANDLE thread;
    DWORD thread_id;
    struct connection *connection;
    struct listener *next;
};

static struct listener *listeners;

/* A copy of the text at `at`, or NULL. */
static wchar_t *private_text(const uint8_t *at, size_t *size)
{
    uint32_t units;
    wchar_t *text;
    memcpy(&units, at, 4);
    *size = units == NULL_TEXT ? 0 : (size_t)units * sizeof(wchar_t);
    if (units == NULL_TEXT)
        return NULL;
    text = calloc((size_t)units + 1, sizeof(wchar_t));
    memcpy(text, at + 4, *size);
    return text;
}

/* The event's code and status come as the halves of the handle, its data as the text; any other answer than S_OK is
 * the end. */
static BOOL hear_one(struct listener *listener)
{
    struct bytes request = {0};
    struct reply reply;
    HRESULT result;
    put(&request, &listener->handle, sizeof listener->handle);
    put_name(&request, "NextEvent");
    result = exchange(listener->connection, &request, &reply);
    if (result == S_OK) {
        size_t size;
        wchar_t *data = private_text(reply.texts, &size);
        listener->tell(listener->handle, listener->callback, listener->context, (DWORD)reply.handle,
                       (HRESULT)(reply.handle >> 32), data);
        if (data)
            memset(data, 0xDD, size); /* it was this thread's */
        free(data);
    }
    free(request.data);
    free(reply.body.data);
    return result == S_OK;
}

static DWORD WINAPI hear(void *parameter)
{
    struct listener *listener = parameter;
    while (hear_one(listener))
        ;
    hang_up(listener->connection);
    return 0;
}

void standin_notified(void *handle, void *callback, void *context, DWORD type, HRESULT status, PCWSTR data)
{
    (void)handle;
    ((NOTIFIED)callback)(type, context, status, data);
}

HRESULT standin_listen(void *handle, TELL tell, void *callback, void *context)
{
    struct listener *listener;
    if (!callback)
        return S_OK;
    listener = calloc(1, sizeof *listener);
    *listener = (struct listener){.handle = handle, .tell = tell, .callback = callback, .context = context};
    listener->connection = open_connection();
    if (!listener->connection) {
        free(listener);
        return SERVICE_WENT_AWAY;
    }
    listener->thread = CreateThread(NULL, 0, hear, listener, 0, &listener->thread_id);
    EnterCriticalSection(&lock);
    listener->next = listeners;
    listeners = listener;
    LeaveCriticalSection(&lock);
    return S_OK;
}

void standin_unlisten(void *handle)
{
    struct listener *found = NULL;
    EnterCriticalSection(&lock);
    for (struct listener **at = &listeners; *at; at = &(*at)->next) {
        if ((*at)->handle == handle) {
            found = *at;
            *at = found->next;
            break;
        }
    }
    LeaveCriticalSection(&lock);
    if (!found)
        return;
    /* No call any more once this has returned, unless it is called from within one. */
    if (found->thread_id != GetCurrentThreadId()) {
        WaitForSingleObject(found->thread, INFINITE);
        CloseHandle(found->thread);
        free(found);
    }
}

/* ---- The pipes of processes ---- */

/* A stream at the node, and our end of the pipe whose other end the caller has. */
struct stream {
    uint64_t number;
    HANDLE pipe;
    BOOL caller_writes;
    struct connection *connection;
};

enum { CHUNK = 1 << 14, BASE = 16 };

static HRESULT ask_stream(struct stream *stream, const char *function, PCWSTR hex, struct reply *reply)
{
    struct bytes request = {0};
    HRESULT result;
    put(&request, &stream->number, sizeof stream->number);
    put_name(&request, function);
    put_text(&request, hex);
    result = exchange(stream->connection, &request, reply);
    free(request.data);
    return result;
}

/* What the caller has written; FALSE once it has closed its end, or nobody reads it any more. */
static BOOL pass_in(struct stream *stream)
{
    uint8_t data[CHUNK];
    wchar_t hex[2 * CHUNK + 1] = {0};
    struct reply reply;
    DWORD size;
    HRESULT result;
    if (!ReadFile(stream->pipe, data, CHUNK, &size, NULL))
        return FALSE;
    for (DWORD i = 0; i < size; i++) {
        hex[2 * i] = L"0123456789abcdef"[data[i] / BASE];
        hex[2 * i + 1] = L"0123456789abcdef"[data[i] % BASE];
    }
    result = ask_stream(stream, "WriteStream", hex, &reply);
    free(reply.body.data);
    return result == S_OK;
}

static unsigned digit(wchar_t letter)
{
    return letter <= L'9' ? letter - L'0' : letter - L'a' + 10;
}

static BOOL write_all(HANDLE pipe, const uint8_t *data, DWORD size)
{
    for (DWORD written; size; data += written, size -= written)
        if (!WriteFile(pipe, data, size, &written, NULL))
            return FALSE;
    return TRUE;
}

/* What the process has written; FALSE at the end of it, or once the caller has closed its end. */
static BOOL pass_out(struct stream *stream)
{
    uint8_t data[CHUNK];
    struct reply reply;
    wchar_t *hex = NULL;
    size_t size = 0;
    BOOL more;
    if (ask_stream(stream, "ReadStream", NULL, &reply) == S_OK)
        hex = private_text(reply.texts, &size);
    size /= 2 * sizeof(wchar_t);
    for (size_t i = 0; i < size && i < CHUNK; i++)
        data[i] = (uint8_t)(digit(hex[2 * i]) * BASE + digit(hex[2 * i + 1]));
    more = size && size <= CHUNK && write_all(stream->pipe, data, (DWORD)size);
    free(hex);
    free(reply.body.data);
    return more;
}

static DWORD WINAPI pass_on(void *parameter)
{
    struct stream *stream = parameter;
    struct reply reply;
    while (stream->caller_writes ? pass_in(stream) : pass_out(stream))
        ;
    CloseHandle(stream->pipe);
    ask_stream(stream, "CloseStream", NULL, &reply);
    free(reply.body.data);
    hang_up(stream->connection);
    free(stream);
    return 0;
}

/* Ours; the caller's comes out. It can be used with overlapped calls, as those of Windows: Go's programs do. */
static HANDLE make_pipe(BOOL caller_writes, HANDLE *callers)
{
    static LONG count;
    wchar_t name[64];
    DWORD ours = caller_writes ? PIPE_ACCESS_INBOUND : PIPE_ACCESS_OUTBOUND;
    DWORD theirs = caller_writes ? GENERIC_WRITE : GENERIC_READ;
    HANDLE made;
    swprintf(name, 64, L"\\\\.\\pipe\\hns_standin-%lu-%ld", GetCurrentProcessId(), InterlockedIncrement(&count));
    made = CreateNamedPipeW(name, ours, PIPE_TYPE_BYTE | PIPE_WAIT, 1, CHUNK, CHUNK, 0, NULL);
    *callers = CreateFileW(name, theirs, 0, NULL, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    return made;
}

static HANDLE open_stream(uint64_t number, BOOL caller_writes)
{
    struct stream *stream;
    HANDLE callers = NULL;
    if (!number)
        return NULL;
    stream = calloc(1, sizeof *stream);
    stream->number = number;
    stream->caller_writes = caller_writes;
    stream->connection = open_connection();
    if (!stream->connection) {
        free(stream);
        return NULL;
    }
    stream->pipe = make_pipe(caller_writes, &callers);
    CloseHandle(CreateThread(NULL, 0, pass_on, stream, 0, NULL));
    return callers;
}

void standin_pipes(const uint64_t streams[STREAMS], HANDLE *input, HANDLE *output, HANDLE *errors)
{
    *input = open_stream(streams[0], TRUE);
    *output = open_stream(streams[1], FALSE);
    *errors = open_stream(streams[2], FALSE);
}

/* ---- The end of the process ---- */

static void leave(void)
{
    struct bytes request = {0};
    put(&request, (uint64_t[]){0}, 8);
    put_name(&request, "Leave");
    for (struct buffer *held = buffers; held; held = held->next) {
        char what[96];
        const char *library = strchr(held->function, '!');
        snprintf(what, sizeof what, "%s%s", library ? library + 1 : held->function, held->is_record ? " (error record)" : "");
        put_name(&request, what);
    }
    tell(&request);
    free(request.data);
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, void *reserved)
{
    if (reason == DLL_PROCESS_ATTACH) {
        InitializeCriticalSection(&lock);
        DisableThreadLibraryCalls(instance);
    }
    /* The other threads are gone by now; one of them may have held the lock, then nothing can be told. */
    if (reason == DLL_PROCESS_DETACH && reserved && process_number && TryEnterCriticalSection(&lock)) {
        LeaveCriticalSection(&lock);
        leave();
    }
    return TRUE;
}
