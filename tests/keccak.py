"""Keccak-256 as Ethereum uses it (hashlib's sha3 pads in another way), to hold constants against their signatures."""

_MASK = (1 << 64) - 1
_RATE = 136  # bytes


def _round_constants() -> list[int]:
    register, constants = 1, []
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


def _turn(value: int, count: int) -> int:
    count %= 64
    return ((value << count) | (value >> (64 - count))) & _MASK


def _permute(lanes: list[list[int]]) -> list[list[int]]:
    for constant in _round_constants():
        columns = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        mixed = [columns[(x - 1) % 5] ^ _turn(columns[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lanes[x][y] ^ mixed[x] for y in range(5)] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], _turn(current, (step + 1) * (step + 2) // 2)
        lanes = [
            [lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & _MASK & lanes[(x + 2) % 5][y]) for y in range(5)] for x in range(5)
        ]
        lanes[0][0] ^= constant
    return lanes


def keccak256(text: str) -> str:
    """The hash of a text, as 0x and 64 hexadecimal digits."""
    message = bytearray(text.encode())
    message.append(0x01)
    message.extend(bytes(-len(message) % _RATE))
    message[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(message), _RATE):
        for lane in range(_RATE // 8):
            place = start + 8 * lane
            lanes[lane % 5][lane // 5] ^= int.from_bytes(message[place : place + 8], "little")
        lanes = _permute(lanes)
    return "0x" + b"".join(lanes[lane % 5][lane // 5].to_bytes(8, "little") for lane in range(4)).hex()
