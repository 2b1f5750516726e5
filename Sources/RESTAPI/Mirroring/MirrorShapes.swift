import Mirroring
import Portable

extension MirrorServer {
    /// `RestMirrorServer`, with the mode added.
    /// - Source: Bitbucket Server's REST API; `lastSeenDate` is in milliseconds on the wire.
    var serverShape: PortableValue {
        [
            "id": .string(id.rawValue), "name": .string(properties.name),
            "baseUrl": .string(properties.baseURL), "mirrorType": .string(properties.type),
            "productVersion": .string(properties.version), "productType": "Bitbucket",
            "lastSeenDate": .optional(seenMilliseconds), "enabled": .bool(state == .accepted),
            "mode": .string(mode.rawValue),
        ]
    }

    /// `RestMirroringRequest`, and the mode with which it is accepted unless another one is given.
    var requestShape: PortableValue {
        [
            "id": .integer(requestID), "mirrorId": .string(id.rawValue),
            "mirrorName": .string(properties.name), "mirrorBaseUrl": .string(properties.baseURL),
            "mirrorType": .string(properties.type), "productVersion": .string(properties.version),
            "productType": "Bitbucket", "state": .string(state.rawValue),
            "createdDate": .integer(createdMilliseconds), "mode": .string(mode.rawValue),
        ]
    }
}
