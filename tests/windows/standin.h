/* What the stand-in DLLs share: one connection to the simulated node, and the texts that the caller must free.
 *
 * The environment variable CNI_HNS_STANDIN (127.0.0.1:PORT) names the server; cni_hns/simulator/wire.py says what is
 * spoken. Without a server every call answers as Windows does while the service is not running.
 */
#ifndef STANDIN_H
#define STANDIN_H

#include <windows.h>
#include <stdint.h>

/* https://learn.microsoft.com/virtualization/api/hcn/Reference/HCN_NOTIFICATION_CALLBACK */
typedef void(WINAPI *NOTIFIED)(DWORD type, void *context, HRESULT status, PCWSTR data);

/* One call, of a function's name on the wire. `texts` are `count` arguments, each a text or NULL. What comes out goes
 * where the pointers say; a NULL pointer means that the caller does not want it. `streams` are the numbers of a process's
 * input, output and errors. */
struct call {
    const char *function;
    void *handle;
    int count;
    PCWSTR texts[5];
    void **opened;
    PWSTR *answer;
    PWSTR *record;
    uint64_t *streams;
};

HRESULT standin_call(const struct call *call);

/* Calls a callback of any type with one event. */
typedef void (*TELL)(void *handle, void *callback, void *context, DWORD type, HRESULT status, PCWSTR data);

/* Let the callback hear what happens, from a thread of its own, until standin_unlisten; nothing without a callback.
 * standin_notified calls one of the type NOTIFIED. */
HRESULT standin_listen(void *handle, TELL tell, void *callback, void *context);
void standin_notified(void *handle, void *callback, void *context, DWORD type, HRESULT status, PCWSTR data);
void standin_unlisten(void *handle);

/* Pipes for the streams of these numbers, NULL for none: the caller of the DLL closes its ends, and a thread of its own
 * passes on what goes through each. */
enum { STREAMS = 3 };
void standin_pipes(const uint64_t streams[STREAMS], HANDLE *input, HANDLE *output, HANDLE *errors);

/* A number or a handle as the wire has it. */
enum { NUMBER_UNITS = 21 };
PCWSTR standin_number(uint64_t number, wchar_t text[NUMBER_UNITS]);

/* A GUID as the wire has it; the zero GUID for NULL. */
enum { GUID_UNITS = 37 };
PCWSTR standin_guid(const GUID *guid, wchar_t text[GUID_UNITS]);

#endif
