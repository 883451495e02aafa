// What acrscan reads about container registries, and nothing else: no write, no credentials, no image content.
// az deployment mg create --management-group-id <group> --location westeurope --template-file acrscan-reader.bicep \
//   --parameters principalId=<object id of the scanner>
targetScope = 'managementGroup'

@description('Object id of the service principal or managed identity that scans; empty: only the role is made.')
param principalId string = ''

var definition = loadJsonContent('acrscan-reader.json')

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(managementGroup().id, definition.Name)
  properties: {
    roleName: definition.Name
    description: definition.Description
    type: 'CustomRole'
    permissions: [
      {
        actions: definition.Actions
        notActions: definition.NotActions
        dataActions: definition.DataActions
        notDataActions: definition.NotDataActions
      }
    ]
    assignableScopes: [
      managementGroup().id
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(principalId)) {
  name: guid(managementGroup().id, role.id, principalId)
  properties: {
    roleDefinitionId: role.id
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
